//! The answer of the token endpoint (RFC 6749 §5.1).

use serde::Serialize;

use crate::{
    model::{Client, Grant, RefreshRecord, RefreshToken, ResourceUri, Scopes},
    oauth::{Error, TokenIssuer},
};

/// The document.
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: Scopes,
}

/// The part of a grant that an access token is for.
pub(in crate::oauth) struct Part {
    pub(in crate::oauth) resources: Vec<ResourceUri>,
    pub(in crate::oauth) scopes: Scopes,
}

impl TokenIssuer {
    /// Issues an access token for all of `grant`, and nothing to get another one with.
    pub(in crate::oauth) async fn issue_alone(
        &self,
        grant: &Grant,
    ) -> Result<TokenResponse, Error> {
        let part = Part { resources: grant.resources.clone(), scopes: grant.scopes.clone() };
        self.respond(grant, part, None).await
    }

    /// Issues an access token for `part` of a grant, and `refresh` to get the next one with.
    pub(in crate::oauth) async fn issue_tokens(
        &self,
        client: &Client,
        grant: &Grant,
        part: Part,
        refresh: &RefreshToken,
    ) -> Result<TokenResponse, Error> {
        let refresh_token = if client.may_use("refresh_token") {
            let record = RefreshRecord { grant: grant.id.clone(), expires_at: grant.expires_at };
            self.core.store.put_refresh(refresh, &record, self.core.now()).await?;
            Some(refresh.reveal().to_owned())
        } else {
            None
        };
        self.respond(grant, part, refresh_token).await
    }

    /// The access token never ends later than its grant.
    async fn respond(
        &self,
        grant: &Grant,
        part: Part,
        refresh_token: Option<String>,
    ) -> Result<TokenResponse, Error> {
        let now = self.core.now();
        let end = now.plus(self.core.config.lifetimes.access_token).min(grant.expires_at);
        Ok(TokenResponse {
            access_token: self.issue_access_token(grant, &part, end).await?,
            token_type: "Bearer",
            expires_in: now.until(end).as_secs(),
            refresh_token,
            scope: part.scopes,
        })
    }
}
