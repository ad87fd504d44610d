//! The authorization code grant (RFC 6749 §4.1.3) with PKCE (RFC 7636 §4.5).

use super::response::Part;
use crate::{
    model::{
        AuthorizationCode, AuthorizationRequest, Chain, Client, CodeRecord, Grant, Identifier,
        RedirectUri, RefreshToken, Reply, ResourceUri, UnixTime, User,
    },
    oauth::{Error, ErrorCode, GrantFault, Params, TokenIssuer, TokenResponse, authorize::pkce},
    store::Redemption,
};

impl TokenIssuer {
    /// Redeems an authorization code of `client`.
    pub async fn redeem_code(
        &self,
        client: &Client,
        params: &Params,
    ) -> Result<TokenResponse, Error> {
        let code = AuthorizationCode::presented(params.required("code", "code is missing")?);
        let record = self.core.store.grants.code(&code, self.core.now()).await?;
        let record = record.ok_or(Error::InvalidGrant(GrantFault::Unknown))?;
        check_binding(&record, client, params)?;
        let subject = &record.user.subject;
        self.core.within_client_limit("authorization_code", &client.id, subject).await?;
        let resources = &record.request.resources;
        let admission = self.core.admission(&record.user, Some(&client.id), resources).await?;
        if !admission.is_allowed() {
            return Err(Error::InvalidGrant(GrantFault::NotAllowed));
        }
        let published = self.core.published(&record.request.resources);
        let resources = self.core.narrowed_resources(params, &published)?;
        let (now, attempt) = (self.core.now(), Identifier::generate()?);
        let grant = self.new_grant(record.grant, record.user, record.request);
        let issued = self.redeem_for((client, resources), &code, &grant, (now, &attempt)).await;
        if issued.as_ref().is_err_and(|error| error.code() == ErrorCode::TemporarilyUnavailable) {
            // The client tries again, and its code must still be good then.
            let undone = self.core.store.grants.undo_redemption(&grant.id, &attempt, now).await;
            if let Err(error) = undone {
                log::warn!("an interrupted redemption could not be taken back: {}", Chain(&error));
            }
        }
        issued
    }

    /// Redeems `code` for `grant` and issues its first tokens.
    async fn redeem_for(
        &self,
        (client, resources): (&Client, Vec<ResourceUri>),
        code: &AuthorizationCode,
        grant: &Grant,
        (now, attempt): (UnixTime, &Identifier),
    ) -> Result<TokenResponse, Error> {
        match self.core.store.grants.redeem_code(code, (grant, attempt), now).await? {
            Redemption::Granted => {}
            Redemption::Revoked => return Err(Error::InvalidGrant(GrantFault::Revoked)),
            Redemption::Repeated => return Err(Error::InvalidGrant(GrantFault::Repeated)),
            Redemption::Replayed => {
                log::warn!(target: "audit", client:% = client.id, grant:% = grant.id;
                    "authorization code replayed; its grant is revoked");
                return Err(Error::InvalidGrant(GrantFault::Replayed));
            }
        }
        self.clients.renew_client(client).await?;
        let refresh = RefreshToken::generate()?;
        let part = Part { resources, scopes: grant.scopes.clone() };
        self.issue_tokens(client, grant, part, &refresh).await
    }

    /// Builds the grant that results from `user` allowing `request`.
    pub(in crate::oauth) fn new_grant(
        &self,
        id: Identifier,
        user: User,
        request: AuthorizationRequest,
    ) -> Grant {
        let (now, lifetimes) = (self.core.now(), &self.core.config.lifetimes);
        // A limit on device grants ends the access of a phished person, even if they never notice.
        let ends_at = match &request.reply {
            Reply::Device(_) => Some(now.plus(lifetimes.device_grant)),
            Reply::Redirect(_) => None,
        };
        let mut grant = Grant {
            id,
            user,
            client_id: request.client_id,
            client_name: request.client_name,
            resources: request.resources,
            scopes: request.scopes,
            created_at: now,
            expires_at: now,
            ends_at,
        };
        grant.extend(now.plus(lifetimes.refresh_token));
        grant
    }
}

/// Checks the binding of a code to its client, redirect URI and PKCE verifier (RFC 6749 §4.1.3).
fn check_binding(record: &CodeRecord, client: &Client, params: &Params) -> Result<(), Error> {
    let request = &record.request;
    if request.client_id != client.id {
        return Err(Error::InvalidGrant(GrantFault::OtherClient));
    }
    let Reply::Redirect(redirect) = &request.reply else {
        return Err(Error::InvalidGrant(GrantFault::Unknown));
    };
    // OAuth 2.1 removes the parameter here. If it is present, it must match.
    if params.one("redirect_uri")?.is_some_and(|given| RedirectUri::new(given) != redirect.uri) {
        return Err(Error::InvalidGrant(GrantFault::RedirectUri));
    }
    let verifier = params.required("code_verifier", "code_verifier is missing")?;
    if !pkce::fits(verifier, &redirect.code_challenge) {
        return Err(Error::InvalidGrant(GrantFault::Verifier));
    }
    Ok(())
}
