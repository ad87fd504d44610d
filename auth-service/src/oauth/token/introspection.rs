//! Token introspection (RFC 7662).

use serde::Serialize;

use super::access_token::AccessTokenClaims;
use crate::{
    model::{AuthMethod, Client, Grant, RefreshToken},
    oauth::{Error, Params, TokenIssuer},
};

/// The introspection response (RFC 7662 §2.2).
#[derive(Serialize)]
#[serde(untagged)]
pub enum Introspection {
    /// The token is active and belongs to the requesting client.
    Active(Box<Active>),
    /// The token is inactive, unknown or of another client. The response does not tell which.
    Inactive {
        /// The value `false`, as required by RFC 7662 §2.2.
        active: bool,
    },
}

/// The members of the response for an active token.
#[derive(Serialize)]
pub struct Active {
    active: bool,
    #[serde(flatten)]
    about: About,
}

#[derive(Serialize)]
#[serde(untagged)]
enum About {
    Access {
        #[serde(flatten)]
        claims: Box<AccessTokenClaims>,
        token_type: &'static str,
        username: String,
    },
    Refresh {
        scope: String,
        client_id: String,
        username: String,
        sub: String,
        exp: i64,
    },
}

impl TokenIssuer {
    /// Introspects the token in `params` for the client that it was issued to.
    ///
    /// RFC 7662 §2.1: "the endpoint MUST also require some form of authorization". Public clients are
    /// therefore rejected.
    pub async fn introspect(
        &self,
        client: &Client,
        params: &Params,
    ) -> Result<Introspection, Error> {
        if client.metadata.token_endpoint_auth_method == AuthMethod::None {
            return Err(Error::InvalidClient);
        }
        let token = params.required("token", "token is missing")?;
        let about = match self.read_access_token(token) {
            Some(claims) if claims.client_id == client.id => self.access(claims).await?,
            Some(_) => None,
            None => self.refresh_token(client, token).await?,
        };
        Ok(about.map_or(Introspection::Inactive { active: false }, |about| {
            Introspection::Active(Box::new(Active { active: true, about }))
        }))
    }

    async fn access(&self, claims: AccessTokenClaims) -> Result<Option<About>, Error> {
        let ids = (claims.grant_id.clone(), claims.jti.clone());
        let live = self.core.store.grants.is_live(ids.0, ids.1).await?;
        let username = claims.preferred_username.clone();
        let claims = Box::new(claims);
        Ok(live.then_some(About::Access { claims, token_type: "Bearer", username }))
    }

    async fn refresh_token(&self, client: &Client, token: &str) -> Result<Option<About>, Error> {
        let (token, now) = (RefreshToken::presented(token), self.core.now());
        let Some(record) = self.core.store.grants.refresh(&token, now).await? else {
            return Ok(None);
        };
        let grant: Option<Grant> = self.core.store.grants.grant(&record.grant, now).await?;
        let spent = self.core.store.grants.is_spent(&token).await?;
        Ok(grant.filter(|grant| !spent && grant.client_id == client.id).map(|grant| {
            About::Refresh {
                scope: grant.scopes.to_string(),
                client_id: grant.client_id.to_string(),
                username: grant.user.name,
                sub: grant.user.subject,
                exp: record.expires_at.0,
            }
        }))
    }
}
