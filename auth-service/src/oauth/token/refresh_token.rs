//! The refresh token grant (RFC 6749 §6) with rotation and replay detection (RFC 9700 §4.14).

use gateway_contract::audit::EventKind;

use super::response::Part;
use crate::{
    model::{Caller, Client, Grant, Identifier, RefreshToken, Scopes},
    oauth::{
        Error, GrantFault, Params, People, TokenIssuer, TokenResponse,
        derived::derive,
        people::{Admission, Checked},
    },
    store::Spending,
};

impl TokenIssuer {
    /// Exchanges a refresh token of `client` for new tokens.
    pub async fn refresh(
        &self,
        client: &Client,
        params: &Params,
        caller: &Caller,
    ) -> Result<TokenResponse, Error> {
        let token = params.required("refresh_token", "refresh_token is missing")?;
        let token = RefreshToken::presented(token);
        let now = self.core.now();
        if !client.may_use("refresh_token") {
            return Err(Error::UnauthorizedClient(
                "the client is not registered for refresh_token",
            ));
        }
        let record = self.core.store.grants.refresh(&token, now).await?;
        let record = record.ok_or(Error::InvalidGrant(GrantFault::Unknown))?;
        let grant = self.core.store.grants.grant(&record.grant, now).await?;
        let mut grant = grant.ok_or(Error::InvalidGrant(GrantFault::Revoked))?;
        if grant.client_id != client.id {
            return Err(Error::InvalidGrant(GrantFault::OtherClient));
        }
        self.core.within_client_limit("refresh_token", &client.id, &grant.user.subject).await?;
        let admission = self.check_admission(&mut grant, caller).await?;
        let resources =
            self.core.narrowed_resources(params, &self.core.published(&grant.resources))?;
        let scopes = admission.capped(&self.narrowed_scopes(params, &grant)?);
        let successor = self.rotate(&token, record.expires_at, &grant, caller).await?;
        grant.extend(now.plus(self.core.config.lifetimes.refresh_token));
        let refreshed = self.core.draft_about(EventKind::TokenRefreshed, &grant).by_the_person();
        let refreshed = self.core.entry(refreshed.from(caller));
        if !self.core.store.grants.extend_grant(&grant, now, refreshed.as_ref()).await? {
            return Err(Error::InvalidGrant(GrantFault::Revoked));
        }
        self.clients.renew_client(client).await?;
        self.issue_tokens(client, &grant, Part { resources, scopes }, (&successor, caller)).await
    }

    /// Asks the login provider about the person of `grant` if that is due, and the policy whether they may still
    /// have the grant. The name in the grant follows the one at the provider.
    ///
    /// An answer that the provider withholds leaves the grant and the refresh token as they are.
    async fn check_admission(
        &self,
        grant: &mut Grant,
        caller: &Caller,
    ) -> Result<Admission, Error> {
        let checked = People::of(&self.core).check_if_due(&grant.user.subject).await?;
        if checked == Checked::Ended {
            return Err(Error::InvalidGrant(GrantFault::Revoked));
        }
        let seen = self.core.seen(grant.user.person()).await?;
        if let Some(login) = seen.record().and_then(|record| record.login.clone()) {
            grant.user.name = login;
        }
        let client = Some(&grant.client_id);
        match self.core.judged(&seen, &grant.user, client, &grant.resources) {
            Admission::Unknown if checked == Checked::NoAnswer => Err(Error::FactsUnknown),
            Admission::Unknown => Err(Error::InvalidGrant(GrantFault::NotAllowed)),
            Admission::Denied => {
                let ended = self.core.draft_about(EventKind::GrantEnded, grant);
                let ended = self.core.entry(ended.denied("policy").from(caller));
                self.core.store.grants.revoke_grant(&grant.id, ended.as_ref()).await?;
                Err(Error::InvalidGrant(GrantFault::NotAllowed))
            }
            allowed @ Admission::Allowed { .. } => Ok(allowed),
        }
    }

    /// Returns the requested scopes within `grant`, or all its scopes if the request names none.
    ///
    /// RFC 6749 §6: the scope "MUST NOT include any scope not originally granted". A granted scope also
    /// grants the scopes that it includes.
    pub(in crate::oauth) fn narrowed_scopes(
        &self,
        params: &Params,
        grant: &Grant,
    ) -> Result<Scopes, Error> {
        let asked = Scopes::parse(params.one("scope")?.unwrap_or(""))
            .map_err(|_| Error::InvalidScope("scope contains an invalid character"))?;
        // Clients repeat the scope of the authorization request, including unknown scopes that were
        // dropped.
        let granted = self.core.with_included(&grant.resources, &grant.scopes);
        let known = asked.intersection(&self.core.known_scopes(&grant.resources).union(&granted));
        if known.is_empty() {
            return Ok(grant.scopes.clone());
        }
        let narrowed = known.intersection(&granted);
        if narrowed.is_empty() {
            return Err(Error::InvalidScope("scope contains none of the granted scopes"));
        }
        Ok(narrowed)
    }

    /// Rotates `token` and returns its successor.
    ///
    /// Repeated requests within the grace period get the same successor until it is used. Clients
    /// refresh from several machines at once, or retry after a lost response. Once the successor has
    /// been used, its owner has received it. Presenting the old token is then a replay, which revokes
    /// the grant (RFC 9700 §4.14.2).
    async fn rotate(
        &self,
        token: &RefreshToken,
        end: crate::model::UnixTime,
        grant: &Grant,
        caller: &Caller,
    ) -> Result<RefreshToken, Error> {
        let salt = Identifier::generate()?.to_string();
        let grace = self.core.config.lifetimes.refresh_grace;
        let spending = self
            .core
            .store
            .grants
            .spend_refresh(token, &salt, (self.core.now(), end), grace)
            .await?;
        match spending {
            Spending::First => return Ok(successor(token, &salt)),
            Spending::Again(salt) => {
                let successor = successor(token, &salt);
                if !self.core.store.grants.is_spent(&successor).await? {
                    return Ok(successor);
                }
            }
            Spending::Replay => {}
        }
        let replayed = || {
            let draft = self.core.draft_about(EventKind::TokenReplayed, grant);
            draft.denied("refresh_token").from(caller)
        };
        let entry = self.core.entry(replayed());
        if !self.core.store.grants.revoke_grant(&grant.id, entry.as_ref()).await? {
            // Nothing changed: the grant has ended before.
            self.core.store.audit.tell(replayed());
        }
        log::warn!(target: "audit", client:% = grant.client_id, grant:% = grant.id;
            "refresh token replayed; its grant is revoked");
        Err(Error::InvalidGrant(GrantFault::Replayed))
    }
}

fn successor(token: &RefreshToken, salt: &str) -> RefreshToken {
    RefreshToken::presented(derive(token.reveal(), salt))
}
