//! Personal access tokens, which the operator issues for the scripts of a person.
//!
//! A personal access token is an access token (RFC 9068) with a separate grant and no refresh token.

use std::time::Duration;

use gateway_contract::audit::EventKind;

use super::response::Part;
use crate::{
    model::{Actor, ClientId, Grant, OwnAccess, User},
    oauth::{Error, TokenIssuer},
};

/// The client id of personal access tokens.
///
/// It cannot collide with a registration, because registered ids are random.
pub const PERSONAL: &str = "personal-access-token";

/// The maximum lifetime of a personal access token.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A personal access token to be minted.
#[derive(Debug)]
pub struct NewToken {
    /// The person that the token acts for.
    pub user: User,
    /// The servers and scopes of the token.
    pub access: OwnAccess,
    /// The lifetime, from 1 second to 365 days.
    pub lifetime: Duration,
    /// The display name of the token.
    pub label: Option<String>,
}

impl TokenIssuer {
    /// Mints a personal access token for `actor`, which may be the person or an operator.
    ///
    /// Returns an error if the policy does not allow the person to use the servers.
    pub async fn mint_token(&self, new: NewToken, actor: &Actor) -> Result<String, Error> {
        if new.lifetime.is_zero() || new.lifetime > LONGEST {
            return Err(Error::InvalidRequest("the lifetime must be 1 second to 365 days"));
        }
        let NewToken { user, access, .. } = new;
        let personal = ClientId::parsed(PERSONAL);
        let admission = self.core.admission(&user, Some(&personal), &access.resources).await?;
        if !admission.is_allowed() {
            return Err(Error::AccessDenied(
                "this account is not allowed to log in or to use this server",
            ));
        }
        let now = self.core.now();
        let grant = Grant {
            id: self.core.store.grants.generation().await?.grant_id()?,
            user,
            client_id: personal,
            client_name: new.label.unwrap_or_else(|| "personal access token".to_owned()),
            resources: access.resources,
            scopes: access.scopes,
            created_at: now,
            expires_at: now.plus(new.lifetime),
            ends_at: None,
        };
        let created = self.core.draft_about(EventKind::TokenCreated, &grant).by(actor);
        let created = self.core.entry(created);
        self.core.store.grants.put_grant(&grant, now, created.as_ref()).await?;
        let part = Part { resources: grant.resources.clone(), scopes: grant.scopes.clone() };
        let token = self.issue_access_token(&grant, &part, grant.expires_at, None).await?;
        log::info!(target: "audit", subject = grant.user.subject, grant:% = grant.id;
            "personal access token minted");
        Ok(token)
    }
}
