//! The client credentials grant (RFC 6749 §4.4; MCP extension
//! `io.modelcontextprotocol/oauth-client-credentials`): a client acts for itself.

use crate::{
    model::{AuthMethod, CLIENT_PROVIDER, Client, Grant, Identifier, OwnAccess, User},
    oauth::{Error, Params, TokenIssuer, TokenResponse},
};

impl TokenIssuer {
    /// Issues a token to `client` for what the operator let it use. Without a refresh token
    /// (§4.4.3: "SHOULD NOT be included"): the client asks again.
    pub async fn client_credentials(
        &self,
        client: &Client,
        params: &Params,
    ) -> Result<TokenResponse, Error> {
        let access = own_access(client)?;
        self.core.within_client_limit("client_credentials", &client.id, "").await?;
        let published = self.core.published(&access.resources);
        let resources = self.core.narrowed_resources(params, &published)?;
        let now = self.core.now();
        let mut grant = Grant {
            id: Identifier::generate()?,
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
        grant.scopes = self.narrowed_scopes(params, &grant)?;
        self.core.store.put_grant(&grant, now).await?;
        // Who deletes a client deletes its registration, then looks for its grants. This grant is
        // either found there, or finds the registration gone here.
        if self.core.store.client(&client.id, now).await?.is_none() {
            self.core.store.revoke_grant(&grant.id).await?;
            return Err(Error::InvalidClient);
        }
        self.issue_alone(&grant).await
    }
}

/// What `client` may use. §4.4: "MUST only be used by confidential clients".
fn own_access(client: &Client) -> Result<&OwnAccess, Error> {
    let public = client.metadata.token_endpoint_auth_method == AuthMethod::None;
    match &client.own_access {
        Some(access) if client.may_use("client_credentials") && !public => Ok(access),
        _ => Err(Error::UnauthorizedClient(
            "client_credentials is for clients that the operator created for it",
        )),
    }
}
