//! Access tokens in the JWT profile of RFC 9068.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::response::Part;
use crate::{
    keys::SigningKeys,
    model::{AccessRecord, ClientId, Grant, Identifier, ResourceUri, Scopes, UnixTime},
    oauth::{Error, TokenIssuer},
    store::AuditEntry,
};

/// The `typ` header of an access token (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::oauth) struct AccessTokenClaims {
    pub(in crate::oauth) iss: String,
    pub(in crate::oauth) sub: String,
    pub(in crate::oauth) aud: Audience,
    pub(in crate::oauth) exp: UnixTime,
    pub(in crate::oauth) iat: UnixTime,
    pub(in crate::oauth) jti: Identifier,
    pub(in crate::oauth) client_id: ClientId,
    /// The display name of the client, for audit events. Tokens of earlier versions lack it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::oauth) client_name: String,
    pub(in crate::oauth) scope: Scopes,
    /// The grant of the token. Revoking the grant revokes the token.
    pub(in crate::oauth) grant_id: Identifier,
    pub(in crate::oauth) preferred_username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::oauth) email: Option<String>,
}

/// The `aud` claim: a string for one audience, an array for several (RFC 7519 §4.1.3).
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::oauth) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn of(resources: &[ResourceUri]) -> Self {
        match resources {
            [one] => Self::One(one.to_string()),
            many => Self::Many(many.iter().map(ToString::to_string).collect()),
        }
    }

    /// Returns all audiences, separated by spaces.
    pub(in crate::oauth) fn joined(&self) -> Cow<'_, str> {
        match self {
            Self::One(one) => one.into(),
            Self::Many(many) => many.join(" ").into(),
        }
    }
}

/// Verifies the signature of `token` and returns its claims as JSON.
///
/// The caller must check the expiry and the issuer.
pub(in crate::oauth) fn signed_claims(keys: &SigningKeys, token: &str) -> Option<Vec<u8>> {
    keys.verify(TYPE, token)
}

impl TokenIssuer {
    /// Issues an access token for `part` of `grant` that expires at `expires_at`, with its event.
    pub(in crate::oauth) async fn issue_access_token(
        &self,
        grant: &Grant,
        part: &Part,
        expires_at: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<String, Error> {
        let (jti, now) = (Identifier::of_token(&grant.id)?, self.core.now());
        let claims = AccessTokenClaims {
            iss: self.core.config.issuer.as_str().to_owned(),
            sub: grant.user.subject.clone(),
            aud: Audience::of(&part.resources),
            exp: expires_at,
            iat: now,
            jti: jti.clone(),
            client_id: grant.client_id.clone(),
            client_name: grant.client_name.clone(),
            scope: part.scopes.clone(),
            grant_id: grant.id.clone(),
            preferred_username: grant.user.name.clone(),
            email: grant.user.email.clone(),
        };
        let token = self.core.keys.sign(TYPE, &claims)?;
        let record = AccessRecord {
            jti,
            grant: grant.id.clone(),
            subject: grant.user.subject.clone(),
            name: grant.user.name.clone(),
            client_id: grant.client_id.clone(),
            resources: part.resources.clone(),
            scopes: part.scopes.clone(),
            issued_at: now,
            expires_at,
        };
        self.core.store.grants.put_access(&record, now, entry).await?;
        Ok(token)
    }

    /// Returns the claims of `token`, or `None` if it is expired or not from this issuer.
    pub(in crate::oauth) fn read_access_token(&self, token: &str) -> Option<AccessTokenClaims> {
        let claims: AccessTokenClaims =
            serde_json::from_slice(&signed_claims(&self.core.keys, token)?).ok()?;
        let ours = claims.iss == self.core.config.issuer.as_str();
        (ours && self.core.now() < claims.exp).then_some(claims)
    }
}
