//! Completion of a login, and issuance of the authorization code (RFC 6749 §4.1.2).

use std::time::Duration;

use gateway_contract::audit::{EventKind, Outcome};

use super::{
    device_decision::DeviceAnswer, flow_state::Consented, idempotency::Turn, outcome::target,
};
use crate::{
    model::{AuthorizationRequest, Caller, CodeRecord, Reply, User},
    oauth::{AuthorizationOutcome, ConsentFlow, Core, Error, RedirectTarget, people::Arrival},
    store::AuditEntry,
};

/// The lifetime of an authorization code.
///
/// Programs redeem a code within a second. A person who works on another machine over SSH must copy
/// the URL from the browser, which takes minutes. RFC 6749 §4.1.2 recommends a maximum of 10 minutes.
/// A stolen code is useless without the PKCE verifier.
const CODE_LIFE: Duration = Duration::from_mins(5);

impl ConsentFlow {
    /// Completes the flow of a person, or returns the error of the failed identification.
    ///
    /// Returns `None` if the consent or login behind the flow was revoked concurrently, or if `taken`
    /// finds its login code gone. Both are checked last, and whenever something may have been written.
    /// The records that were written have the generation of the consent, and are revoked with it.
    pub(in crate::oauth) async fn finish_by(
        &self,
        consented: &Consented,
        arrival: Result<Arrival, Error>,
        taken: impl Future<Output = Result<bool, Error>>,
        turn: &Turn,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let arrival = arrival?;
        let user = &arrival.user;
        // Boxed to keep the futures of the callers small.
        let done = Box::pin(self.finish(consented, &arrival, turn)).await;
        if let Err(error @ Error::NotAllowed(_)) = done {
            return Err(error);
        }
        let pending = consented.pending();
        let grants = &self.core.store.grants;
        let stands =
            taken.await? && grants.stands(turn.generation, Some(user), &pending.request).await?;
        let outcome = done?;
        if stands {
            self.pending.keep_answer(turn, pending, user, &outcome).await;
            return Ok(Some(outcome));
        }
        self.withdraw(&pending.request, user, &turn.caller).await?;
        Ok(None)
    }

    /// Completes the flow of a person who has just consented and logged in.
    async fn finish(
        &self,
        consented: &Consented,
        arrival: &Arrival,
        turn: &Turn,
    ) -> Result<AuthorizationOutcome, Error> {
        let user = &arrival.user;
        let target = self.admit(consented, user.clone(), (turn, None)).await;
        let outcome = match &target {
            Ok(_) => "granted",
            Err(Error::NotAllowed(_)) => "refused",
            Err(_) => "failed",
        };
        self.core.metrics.login(user.person().provider(), outcome);
        let target = target?;
        let request = &consented.pending().request;
        let (generation, caller) = (turn.generation, &turn.caller);
        self.sessions.remember_consent(user, request, generation, caller).await?;
        let login =
            self.sessions.log_in(arrival, (&turn.login, turn.generation), &turn.caller).await?;
        Ok(AuthorizationOutcome { target, login })
    }

    /// Rolls back the decision and the remembered consent of `user` after a concurrent revocation.
    ///
    /// The code and the login cookie need no rollback, because they were never delivered.
    pub(in crate::oauth) async fn withdraw(
        &self,
        request: &AuthorizationRequest,
        user: &User,
        caller: &Caller,
    ) -> Result<(), Error> {
        log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login withdrawn: its consent or login session was revoked concurrently");
        if let Reply::Device(device) = &request.reply {
            self.core.store.devices.take_device_decision(&device.code, self.core.now()).await?;
        }
        self.sessions.forget_consent(user, request, caller).await
    }

    /// Issues the authorization code, or allows the device, if the policy permits `user` the request.
    ///
    /// `reason` says why the person was not asked.
    pub(in crate::oauth) async fn admit(
        &self,
        consented: &Consented,
        user: User,
        (turn, reason): (&Turn, Option<&str>),
    ) -> Result<RedirectTarget, Error> {
        let pending = consented.pending();
        let request = &pending.request;
        let admission = self.sessions.admission(&user, request).await?;
        let scopes = admission.capped(&request.scopes);
        if !admission.is_allowed() || (scopes.is_empty() && !request.scopes.is_empty()) {
            log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
                "login refused by policy");
            let told = (Outcome::Denied, "not_allowed");
            self.core.tell_login((Some(&user), request), &turn.caller, told);
            return Err(Error::NotAllowed(user.name));
        }
        let request = &AuthorizationRequest { scopes, ..request.clone() };
        self.clients.keep_client(pending).await?;
        log::info!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login granted");
        let given = self.core.draft_of_request(EventKind::ConsentGiven, request, &turn.caller);
        let given = given.actor(&user);
        let given = match reason {
            Some(reason) => given.reason(reason),
            None => given,
        };
        let given = self.core.entry(given);
        match &request.reply {
            Reply::Redirect(_) => {
                put_code(&self.core, request, user, (turn, given.as_ref())).await?;
            }
            Reply::Device(device) => {
                let answer = DeviceAnswer::Allow { user, request };
                let (by, generation) = (turn.step(), turn.generation);
                let by = (by, given.as_ref());
                self.requests.answer_device(device, answer, by, generation).await?;
            }
        }
        target(&self.core.config.issuer, &request.reply, &turn.code)
    }
}

/// Stores the code of `turn` with the request and the person that it stands for.
async fn put_code(
    core: &Core,
    request: &AuthorizationRequest,
    user: User,
    (turn, entry): (&Turn, Option<&AuditEntry>),
) -> Result<(), Error> {
    let now = core.now();
    let record = CodeRecord {
        request: request.clone(),
        user,
        grant: turn.generation.grant_id()?,
        expires_at: now.plus(CODE_LIFE),
    };
    Ok(core.store.grants.put_code(&turn.code, &record, now, entry).await?)
}
