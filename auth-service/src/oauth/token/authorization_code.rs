//! The authorization code grant (RFC 6749 §4.1.3) with PKCE (RFC 7636 §4.5).

use gateway_contract::audit::EventKind;

use super::response::Part;
use crate::{
    model::{
        AuthorizationCode, AuthorizationRequest, Caller, Chain, Client, CodeRecord, Draft, Grant,
        Identifier, RedirectUri, RefreshToken, Reply, ResourceUri, UnixTime, User,
    },
    oauth::{Error, ErrorCode, GrantFault, Params, TokenIssuer, TokenResponse, authorize::pkce},
    store::{Redemption, RedemptionEntries},
};

impl TokenIssuer {
    /// Redeems an authorization code of `client`.
    pub async fn redeem_code(
        &self,
        client: &Client,
        params: &Params,
        caller: &Caller,
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
        let part = (client, resources, caller);
        let issued = self.redeem_for(part, &code, &grant, (now, &attempt)).await;
        if issued.as_ref().is_err_and(|error| error.code() == ErrorCode::TemporarilyUnavailable) {
            // The client tries again, and its code must still be good then.
            let ended = self.core.draft_about(EventKind::GrantEnded, &grant).failed("interrupted");
            let ended = self.core.entry(ended.from(caller));
            let grants = &self.core.store.grants;
            let undone = grants.undo_redemption(&grant.id, &attempt, now, ended.as_ref()).await;
            if let Err(error) = undone {
                log::warn!("an interrupted redemption could not be taken back: {}", Chain(&error));
            }
        }
        issued
    }

    /// Redeems `code` for `grant` and issues its first tokens.
    async fn redeem_for(
        &self,
        (client, resources, caller): (&Client, Vec<ResourceUri>, &Caller),
        code: &AuthorizationCode,
        grant: &Grant,
        (now, attempt): (UnixTime, &Identifier),
    ) -> Result<TokenResponse, Error> {
        let entries = self.redemption_entries(grant, caller);
        let grants = &self.core.store.grants;
        match grants.redeem_code(code, (grant, attempt), now, &entries).await? {
            Redemption::Granted => {}
            Redemption::Revoked => return Err(Error::InvalidGrant(GrantFault::Revoked)),
            Redemption::Repeated => return Err(Error::InvalidGrant(GrantFault::Repeated)),
            Redemption::ReplayedLater => {
                // Nothing changed: the grant has ended before.
                self.core.store.audit.tell(self.replay(grant, caller));
                return Err(Error::InvalidGrant(GrantFault::Replayed));
            }
            Redemption::Replayed => {
                log::warn!(target: "audit", client:% = client.id, grant:% = grant.id;
                    "authorization code replayed; its grant is revoked");
                return Err(Error::InvalidGrant(GrantFault::Replayed));
            }
        }
        self.clients.renew_client(client).await?;
        let refresh = RefreshToken::generate()?;
        let part = Part { resources, scopes: grant.scopes.clone() };
        self.issue_tokens(client, grant, part, (&refresh, caller)).await
    }

    /// Returns the events of a redemption of a code for `grant`.
    fn redemption_entries(&self, grant: &Grant, caller: &Caller) -> RedemptionEntries {
        let core = &self.core;
        let granted = core.draft_about(EventKind::GrantCreated, grant).by_the_person();
        let revoked = core.draft_about(EventKind::GrantEnded, grant).reason("code revoked");
        RedemptionEntries {
            granted: core.entry(granted.from(caller)),
            replayed: core.entry(self.replay(grant, caller)),
            revoked: core.entry(revoked.from(caller)),
        }
    }

    /// Returns the event of a code that is presented again.
    fn replay(&self, grant: &Grant, caller: &Caller) -> Draft<'_> {
        self.core.draft_about(EventKind::TokenReplayed, grant).denied("code").from(caller)
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
