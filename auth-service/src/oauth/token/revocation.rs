//! Token revocation (RFC 7009).

use gateway_contract::audit::EventKind;

use crate::{
    model::{Caller, Client, RefreshToken, User},
    oauth::{Error, GrantFault, Params, TokenIssuer},
    store::everywhere,
};

impl TokenIssuer {
    /// Revokes the token in `params`, which must belong to `client` (RFC 7009 §2.1). When it returns, no
    /// instance accepts the token. This also holds for one that an earlier request has revoked.
    ///
    /// Revoking a refresh token revokes the whole grant. Revoking an access token affects no other token.
    pub async fn revoke(
        &self,
        client: &Client,
        params: &Params,
        caller: &Caller,
    ) -> Result<(), Error> {
        everywhere(self.remove(client, params, caller)).await
    }

    async fn remove(&self, client: &Client, params: &Params, caller: &Caller) -> Result<(), Error> {
        let token = params.required("token", "token is missing")?;
        if let Some(claims) = self.read_access_token(token) {
            // "verifies whether the token was issued to the client making the revocation request.
            // If this validation fails, the request is refused".
            if claims.client_id != client.id {
                return Err(Error::InvalidGrant(GrantFault::OtherClient));
            }
            let user = User {
                subject: claims.sub.clone(),
                name: claims.preferred_username.clone(),
                email: None,
            };
            let revoked = self.core.draft_of_client(EventKind::TokenRevoked, client).target(&user);
            let revoked = revoked.grant_id(&claims.grant_id).reason("client").from(caller);
            let entry = self.core.entry(revoked);
            let grants = &self.core.store.grants;
            grants.revoke_access(&claims.grant_id, &claims.jti, entry.as_ref()).await?;
            log::info!(target: "audit", client:% = client.id, jti:% = claims.jti;
                "access token revoked by its client");
            return Ok(());
        }
        let token = RefreshToken::presented(token);
        let now = self.core.now();
        // §2.2: "invalid tokens do not cause an error response since the client cannot handle such
        // an error in a reasonable way".
        let Some(record) = self.core.store.grants.refresh(&token, now).await? else {
            return Ok(());
        };
        let Some(grant) = self.core.store.grants.grant(&record.grant, now).await? else {
            return Ok(());
        };
        if grant.client_id != client.id {
            return Err(Error::InvalidGrant(GrantFault::OtherClient));
        }
        let ended = self.core.draft_about(EventKind::GrantEnded, &grant).reason("client");
        let ended = self.core.entry(ended.from(caller));
        self.core.store.grants.revoke_grant(&grant.id, ended.as_ref()).await?;
        log::info!(target: "audit", client:% = client.id, grant:% = grant.id;
            "grant revoked by its client");
        Ok(())
    }
}
