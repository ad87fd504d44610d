//! The client credentials grant (RFC 6749 §4.4), for clients that act on their own behalf.
//!
//! It is the MCP extension `io.modelcontextprotocol/oauth-client-credentials`.

use gateway_contract::audit::EventKind;

use crate::{
    model::{AuthMethod, CLIENT_PROVIDER, Caller, Client, Grant, OwnAccess, User},
    oauth::{Error, Params, TokenIssuer, TokenResponse},
};

impl TokenIssuer {
    /// Issues an access token to `client` for the servers that the operator configured.
    ///
    /// Issues no refresh token (RFC 6749 §4.4.3: "SHOULD NOT be included"). The client requests another
    /// access token instead.
    pub async fn client_credentials(
        &self,
        client: &Client,
        params: &Params,
        caller: &Caller,
    ) -> Result<TokenResponse, Error> {
        let access = own_access(client)?;
        self.core.within_client_limit("client_credentials", &client.id, "").await?;
        let published = self.core.published(&access.resources);
        let resources = self.core.narrowed_resources(params, &published)?;
        let now = self.core.now();
        let mut grant = Grant {
            id: self.core.store.grants.generation().await?.grant_id()?,
            user: User {
                subject: format!("{CLIENT_PROVIDER}:{}", client.id),
                name: client.display_name().to_owned(),
                email: None,
            },
            client_id: client.id.clone(),
            client_name: client.display_name().to_owned(),
            resources,
            scopes: access.scopes.clone(),
            created_at: now,
            expires_at: now.plus(self.core.config.lifetimes.access_token),
            ends_at: None,
        };
        let admission =
            self.core.admission(&grant.user, Some(&client.id), &grant.resources).await?;
        if !admission.is_allowed() {
            return Err(Error::UnauthorizedClient(
                "the access policy does not allow this client to use this server",
            ));
        }
        grant.scopes = admission.capped(&self.narrowed_scopes(params, &grant)?);
        let granted = self.core.draft_about(EventKind::GrantCreated, &grant).by_the_person();
        let granted = self.core.entry(granted.reason("client_credentials").from(caller));
        self.core.store.grants.put_grant(&grant, now, granted.as_ref()).await?;
        // A deletion first removes the registration. It either revokes this grant, too, or the
        // registration is gone here.
        if self.core.store.clients.client(&client.id, now).await?.is_none() {
            let ended = self.core.draft_about(EventKind::GrantEnded, &grant);
            let ended = self.core.entry(ended.reason("client deleted").from(caller));
            self.core.store.grants.revoke_grant(&grant.id, ended.as_ref()).await?;
            return Err(Error::InvalidClient);
        }
        self.issue_alone(&grant, caller).await
    }
}

/// Returns the access that the operator configured for `client`.
///
/// RFC 6749 §4.4: "MUST only be used by confidential clients".
fn own_access(client: &Client) -> Result<&OwnAccess, Error> {
    let public = client.metadata.token_endpoint_auth_method == AuthMethod::None;
    match &client.own_access {
        Some(access) if client.may_use("client_credentials") && !public => Ok(access),
        _ => Err(Error::UnauthorizedClient(
            "client_credentials is only for clients that the operator registered for it",
        )),
    }
}
