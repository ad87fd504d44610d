//! The access token response (RFC 6749 §5.1).

use gateway_contract::audit::EventKind;
use serde::Serialize;

use crate::{
    model::{Caller, Client, Grant, RefreshRecord, RefreshToken, ResourceUri, Scopes},
    oauth::{Error, TokenIssuer},
};

/// The response of the token endpoint as JSON.
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: Scopes,
}

/// The servers and scopes of a grant that one access token covers.
pub(in crate::oauth) struct Part {
    pub(in crate::oauth) resources: Vec<ResourceUri>,
    pub(in crate::oauth) scopes: Scopes,
}

impl TokenIssuer {
    /// Issues an access token for all of `grant`, without a refresh token.
    pub(in crate::oauth) async fn issue_alone(
        &self,
        grant: &Grant,
        caller: &Caller,
    ) -> Result<TokenResponse, Error> {
        let part = Part { resources: grant.resources.clone(), scopes: grant.scopes.clone() };
        self.respond(grant, part, None, caller).await
    }

    /// Issues an access token for `part` of a grant, with the refresh token `refresh`.
    ///
    /// Omits the refresh token if the client is not registered for that grant type.
    pub(in crate::oauth) async fn issue_tokens(
        &self,
        client: &Client,
        grant: &Grant,
        part: Part,
        (refresh, caller): (&RefreshToken, &Caller),
    ) -> Result<TokenResponse, Error> {
        let refresh_token = if client.may_use("refresh_token") {
            let record = RefreshRecord { grant: grant.id.clone(), expires_at: grant.expires_at };
            self.core.store.grants.put_refresh(refresh, &record, self.core.now()).await?;
            Some(refresh.reveal().to_owned())
        } else {
            None
        };
        self.respond(grant, part, refresh_token, caller).await
    }

    /// Builds the response. The access token expires no later than its grant.
    async fn respond(
        &self,
        grant: &Grant,
        part: Part,
        refresh_token: Option<String>,
        caller: &Caller,
    ) -> Result<TokenResponse, Error> {
        let now = self.core.now();
        let end = now.plus(self.core.config.lifetimes.access_token).min(grant.expires_at);
        let issued = self.core.draft_about(EventKind::TokenIssued, grant).by_the_person();
        let issued = self.core.entry(issued.from(caller));
        Ok(TokenResponse {
            access_token: self.issue_access_token(grant, &part, end, issued.as_ref()).await?,
            token_type: "Bearer",
            expires_in: now.until(end).as_secs(),
            refresh_token,
            scope: part.scopes,
        })
    }
}
