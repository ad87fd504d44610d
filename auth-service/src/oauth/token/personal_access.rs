//! Personal access tokens: what the operator hands to a script of a person. An access token as all
//! others (RFC 9068), under a grant of its own, without a refresh token.

use std::time::Duration;

use super::response::Part;
use crate::{
    model::{ClientId, Grant, Identifier, OwnAccess, User},
    oauth::{Error, TokenIssuer},
};

/// The client that personal tokens are issued to. No registration has this id: those are random.
pub const PERSONAL: &str = "personal-access-token";

/// No personal token lives longer.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A token to mint.
#[derive(Debug)]
pub struct NewToken {
    /// Whose it is.
    pub user: User,
    /// What for.
    pub access: OwnAccess,
    /// How long it lives.
    pub lifetime: Duration,
    /// What people call it.
    pub label: Option<String>,
}

impl TokenIssuer {
    /// Mints a personal access token, if its person may use its servers.
    pub async fn mint_token(&self, new: NewToken) -> Result<String, Error> {
        if new.lifetime.is_zero() || new.lifetime > LONGEST {
            return Err(Error::InvalidRequest("a token lives 1 second to 365 days"));
        }
        let NewToken { user, access, .. } = new;
        if !self.core.may_log_in(&user) || !self.core.may_use(&user, &access.resources) {
            return Err(Error::AccessDenied("this account may not log in, or use this server"));
        }
        let now = self.core.now();
        let grant = Grant {
            id: Identifier::generate()?,
            user,
            client_id: ClientId::parsed(PERSONAL),
            client_name: new.label.unwrap_or_else(|| "personal access token".to_owned()),
            resources: access.resources,
            scopes: access.scopes,
            created_at: now,
            expires_at: now.plus(new.lifetime),
            ends_at: None,
        };
        self.core.store.put_grant(&grant, now).await?;
        let part = Part { resources: grant.resources.clone(), scopes: grant.scopes.clone() };
        let token = self.issue_access_token(&grant, &part, grant.expires_at).await?;
        log::info!(target: "audit", subject = grant.user.subject, grant:% = grant.id;
            "personal access token minted");
        Ok(token)
    }
}
