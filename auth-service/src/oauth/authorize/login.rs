//! Completion of a login and issuance of the authorization code (RFC 6749 §4.1.2).

use std::{future::ready, time::Duration};

use super::{
    idempotency::{Begun, Step, Turn},
    outcome::target,
    pending::Opened,
};
use crate::{
    model::{
        AuthorizationRequest, CodeRecord, LoginState, PendingAuthorization, Reply,
        SealedAuthorization, Stage, User,
    },
    oauth::{
        AuthorizationOutcome, AuthorizeError, BrowserContext, ConsentFlow, Error, Next, Params,
        RedirectTarget, Remark,
    },
    upstream::{GithubError, github_error},
};

/// The lifetime of an authorization code.
///
/// Programs redeem a code within a second. A person who works on another machine over SSH must copy
/// the URL from the browser, which takes minutes. RFC 6749 §4.1.2 recommends a maximum of 10 minutes.
/// A stolen code is useless without the PKCE verifier.
const CODE_LIFE: Duration = Duration::from_mins(5);

/// The answer of the login provider in the callback.
#[derive(Debug)]
pub enum ProviderAnswer {
    /// An authorization code, which the server exchanges for the identity of the person.
    Code(String),
    /// The person denied the login.
    Denied,
    /// The provider reported this error code.
    Failed(String),
}

impl ProviderAnswer {
    /// Parses the query of the callback.
    pub fn read(params: &Params) -> Result<(LoginState, Self), Error> {
        let state = params.required("state", "state is missing")?;
        let answer = match (params.one("code")?, params.one("error")?) {
            (Some(code), None) => Self::Code(code.to_owned()),
            (_, Some("access_denied")) => Self::Denied,
            (_, Some(error)) => Self::Failed(error.to_owned()),
            (None, None) => return Err(Error::InvalidRequest("code is missing")),
        };
        Ok((LoginState::presented(state), answer))
    }
}

/// The callback of a browser that returns from the login provider.
#[derive(Debug)]
pub struct ProviderReturn {
    /// The `state` that the provider returned.
    pub state: LoginState,
    /// The answer of the provider.
    pub answer: ProviderAnswer,
    /// The pending authorization of this `state`, from the cookies of the browser.
    pub pending: Option<SealedAuthorization>,
}

impl ConsentFlow {
    /// Finishes a login at the provider.
    ///
    /// The callback is valid only in the browser that consented. Otherwise an attacker could send a link
    /// with their own `state`, and log the person in to the client of the attacker. A repeated or late
    /// callback in the right browser gets the earlier outcome or the consent page.
    pub async fn finish_login(
        &self,
        back: ProviderReturn,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        let pending = match back.pending.as_ref().map(|sealed| self.pending.open(sealed, browser)) {
            Some(Opened::Valid(pending)) => pending,
            other => return self.return_late(other, &back.state, browser).await,
        };
        let (state, verifier, generation) = match &pending.stage {
            Stage::AtProvider { state, verifier, generation, .. } => (state, verifier, *generation),
            // This callback already led to the consent page, and the browser reloads it.
            Stage::AwaitingConsent { .. } => {
                return self.show_again(*pending, Remark::Interrupted, browser).await;
            }
        };
        if !state.matches(&back.state.fingerprint()) {
            return Err(expired());
        }
        let step = Step::of_callback(&back.state);
        // Checked before the request to the provider, and again after all writes.
        let stands = self.core.store.grants.stands(generation, None, &pending.request).await;
        if !stands.map_err(|error| AuthorizeError::Page(error.into()))? {
            return Err(expired());
        }
        let code = match self.code_of(back.answer) {
            Ok(code) => code,
            Err(error) => {
                return Err(self.requests.refuse(&pending.request, error, &step.id).await);
            }
        };
        let begun = self.pending.begin_step(&step, browser, Some(generation)).await;
        let turn = match begun.map_err(AuthorizeError::Page)? {
            Begun::Answered(outcome) => return Ok(Next::Done(outcome)),
            Begun::Turn(turn) => turn,
        };
        let user = self.identify(&code, verifier).await;
        let user = user.inspect_err(|_| self.core.metrics.login("github", "failed"));
        let done = self.finish_by(&pending, user, ready(Ok(true)), &turn).await;
        self.pending.end_turn(&turn).await;
        match done {
            Ok(outcome) => outcome.map(Next::Done).ok_or_else(expired),
            Err(Error::NotAllowed(name)) => self.show_refused(*pending, name, browser).await,
            Err(error) => Err(self.requests.refuse(&pending.request, error, &step.id).await),
        }
    }

    /// Handles a callback that cannot finish a login.
    ///
    /// Returns the earlier outcome of the same callback, or else the consent page.
    async fn return_late(
        &self,
        opened: Option<Opened>,
        state: &LoginState,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        let answered = self.pending.answered(&Step::of_callback(state), browser).await;
        if let Some(outcome) = answered.map_err(AuthorizeError::Page)? {
            return Ok(Next::Done(outcome));
        }
        let Some(Opened::Late(pending) | Opened::Foreign(pending)) = opened else {
            return Err(expired());
        };
        self.show_again(*pending, Remark::Interrupted, browser).await
    }

    /// Returns the code in the answer of the provider, and counts failed logins.
    fn code_of(&self, answer: ProviderAnswer) -> Result<String, Error> {
        match answer {
            ProviderAnswer::Code(code) => Ok(code),
            ProviderAnswer::Denied => {
                self.core.metrics.login("github", "declined");
                Err(Error::AccessDenied("the login was declined"))
            }
            ProviderAnswer::Failed(error) => {
                self.core.metrics.login("github", "failed");
                Err(provider_error(github_error(&error)))
            }
        }
    }

    async fn identify(&self, code: &str, verifier: &str) -> Result<User, Error> {
        let github = self
            .core
            .github
            .as_ref()
            .ok_or(Error::AccessDenied("GitHub login is not configured"))?;
        github.identify(code, verifier).await.map_err(provider_error)
    }

    /// Completes the flow of `user`, or returns the error of the failed identification.
    ///
    /// Returns `None` if the consent or login behind the flow was revoked concurrently, or if `taken` finds
    /// its login code gone. Both are checked last, and whenever something may have been written. What was
    /// written is of the generation of the consent, and thus revoked, too.
    pub(in crate::oauth) async fn finish_by(
        &self,
        pending: &PendingAuthorization,
        user: Result<User, Error>,
        taken: impl Future<Output = Result<bool, Error>>,
        turn: &Turn,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let user = user?;
        // Boxed to keep the futures of the callers small.
        let done = Box::pin(self.finish(pending, user.clone(), turn)).await;
        if let Err(error @ Error::NotAllowed(_)) = done {
            return Err(error);
        }
        let (generation, request) = (turn.generation, &pending.request);
        let stands =
            taken.await? && self.core.store.grants.stands(generation, Some(&user), request).await?;
        let outcome = done?;
        if stands {
            let logged_in = outcome.login.is_some();
            self.pending.keep_answer(turn, pending, (&user, logged_in)).await;
            return Ok(Some(outcome));
        }
        self.withdraw(&pending.request, &user).await?;
        Ok(None)
    }

    /// Completes the flow of `user`, who has just consented and logged in.
    async fn finish(
        &self,
        pending: &PendingAuthorization,
        user: User,
        turn: &Turn,
    ) -> Result<AuthorizationOutcome, Error> {
        let target = self.admit(pending, user.clone(), turn).await;
        let outcome = match &target {
            Ok(_) => "granted",
            Err(Error::NotAllowed(_)) => "refused",
            Err(_) => "failed",
        };
        self.core.metrics.login(user.person().provider(), outcome);
        let target = target?;
        self.sessions.remember_consent(&user, &pending.request, turn.generation).await?;
        let login = self.sessions.log_in(&user, &turn.login, turn.generation).await?;
        Ok(AuthorizationOutcome { target, login })
    }

    /// Rolls back the decision and the remembered consent of `user` after a concurrent revocation.
    ///
    /// The code and the login cookie need no rollback, because they were never delivered.
    pub(in crate::oauth) async fn withdraw(
        &self,
        request: &AuthorizationRequest,
        user: &User,
    ) -> Result<(), Error> {
        log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login withdrawn: its consent or login session was revoked concurrently");
        if let Reply::Device(device) = &request.reply {
            self.core.store.devices.take_device_decision(&device.code, self.core.now()).await?;
        }
        self.sessions.forget_consent(user, request).await
    }

    /// Issues the authorization code, or allows the device, if the policy permits `user` the request.
    pub(in crate::oauth) async fn admit(
        &self,
        pending: &PendingAuthorization,
        user: User,
        turn: &Turn,
    ) -> Result<RedirectTarget, Error> {
        let request = &pending.request;
        if !self.sessions.may_have(&user, request) {
            log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
                "login refused by policy");
            return Err(Error::NotAllowed(user.name));
        }
        self.clients.keep_client(pending).await?;
        log::info!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login granted");
        match &request.reply {
            Reply::Redirect(_) => self.put_code(request, user, turn).await?,
            Reply::Device(device) => {
                let by = (turn.step(), turn.generation);
                self.requests.answer_device(device, Some((user, request)), by).await?;
            }
        }
        target(&self.core.config.issuer, &request.reply, &turn.code)
    }

    async fn put_code(
        &self,
        request: &AuthorizationRequest,
        user: User,
        turn: &Turn,
    ) -> Result<(), Error> {
        let now = self.core.now();
        let record = CodeRecord {
            request: request.clone(),
            user,
            grant: turn.generation.grant_id()?,
            expires_at: now.plus(CODE_LIFE),
        };
        Ok(self.core.store.grants.put_code(&turn.code, &record, now).await?)
    }
}

/// Maps an error of the login provider to its cause: the person, the operator or the provider.
fn provider_error(error: GithubError) -> Error {
    match error {
        GithubError::Refused(ref refusal) => Error::LoginRefused(refusal.told(), error),
        GithubError::Misconfigured(_) => Error::ProviderSetup(error),
        error => Error::Provider(error),
    }
}

/// Returns the error page for an unusable callback.
fn expired() -> AuthorizeError {
    AuthorizeError::Page(Error::InvalidRequest(
        "this login has expired or was started in another browser; start again",
    ))
}
