//! The person is back from the login provider, or gave a code: who they are becomes a code for the
//! client (RFC 6749 §4.1.2).

use std::time::Duration;

use super::{
    idempotency::{Begun, Step, Turn},
    outcome::target,
    pending::Opened,
};
use crate::{
    model::{
        AuthorizationCode, AuthorizationRequest, CodeRecord, Identifier, LoginState,
        PendingAuthorization, Reply, SealedAuthorization, Stage, User,
    },
    oauth::{
        AuthorizationOutcome, AuthorizeError, ConsentFlow, Error, Next, Params, RedirectTarget,
        Remark, Visitor,
    },
    ports::{GithubError, github_error},
};

/// How long an authorization code may take to the token endpoint. Programs redeem it within a second.
/// A person who works on another machine over SSH copies the address out of the browser and pastes it,
/// which takes minutes. RFC 6749 §4.1.2 recommends 10 minutes at most; without the PKCE verifier the
/// code is of no use.
const CODE_LIFE: Duration = Duration::from_mins(5);

/// What the login provider sent along.
#[derive(Debug)]
pub enum ProviderAnswer {
    /// A code to find out who it is.
    Code(String),
    /// The person declined.
    Denied,
    /// The provider declined, with this error.
    Failed(String),
}

impl ProviderAnswer {
    /// Reads the query of the callback.
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

/// What a browser brings back from the login provider.
#[derive(Debug)]
pub struct ProviderReturn {
    /// The `state` that the provider returned.
    pub state: LoginState,
    /// What it answered.
    pub answer: ProviderAnswer,
    /// The pending authorization of this `state`, out of the browser's cookie.
    pub pending: Option<SealedAuthorization>,
}

impl ConsentFlow {
    /// Finishes a login at the provider. The callback is good only in the browser that consented: a
    /// link with somebody else's `state` must not log its reader into that one's client. In that
    /// browser it leads on whenever it comes: to the answer that was given a moment ago, or to the
    /// consent page.
    pub async fn finish_login(
        &self,
        back: ProviderReturn,
        visitor: &Visitor,
    ) -> Result<Next, AuthorizeError> {
        let pending = match back.pending.as_ref().map(|sealed| self.pending.open(sealed, visitor)) {
            Some(Opened::Valid(pending)) => pending,
            other => return self.return_late(other, &back.state, visitor).await,
        };
        let (state, verifier, revocations) = match &pending.stage {
            Stage::AtProvider { state, verifier, revocations } => (state, verifier, revocations),
            // The page that this callback showed is loaded again.
            Stage::AwaitingConsent { .. } => {
                return self.show_again(*pending, Remark::Interrupted, visitor).await;
            }
        };
        if !state.matches(&back.state.fingerprint()) {
            return Err(expired());
        }
        let step = Step::of_callback(&back.state);
        // Asked once before the provider is, and again after everything is written.
        let stands = async || -> Result<bool, Error> {
            Ok(revocations.are_still(&self.core.store.revocations(&pending.request).await?))
        };
        if !stands().await.map_err(AuthorizeError::Page)? {
            return Err(expired());
        }
        let code = match self.code_of(back.answer) {
            Ok(code) => code,
            Err(error) => {
                return Err(self.requests.refuse(&pending.request, error, &step.id).await);
            }
        };
        let turn =
            match self.pending.begin_step(&step, visitor).await.map_err(AuthorizeError::Page)? {
                Begun::Answered(outcome) => return Ok(Next::Done(outcome)),
                Begun::Turn(turn) => turn,
            };
        let user = self.identify(&code, verifier).await;
        let user = user.inspect_err(|_| self.core.metrics.login("github", "failed"));
        let done = self.finish_by(&pending, user, stands(), &turn).await;
        self.pending.end_turn(&turn).await;
        match done {
            Ok(outcome) => outcome.map(Next::Done).ok_or_else(expired),
            Err(Error::NotAllowed(name)) => self.show_refused(*pending, name, visitor).await,
            Err(error) => Err(self.requests.refuse(&pending.request, error, &step.id).await),
        }
    }

    /// Leads on from a callback that cannot finish a login: to the answer that it got a moment ago, or
    /// to the consent page.
    async fn return_late(
        &self,
        opened: Option<Opened>,
        state: &LoginState,
        visitor: &Visitor,
    ) -> Result<Next, AuthorizeError> {
        let answered = self.pending.answered(&Step::of_callback(state), visitor).await;
        if let Some(outcome) = answered.map_err(AuthorizeError::Page)? {
            return Ok(Next::Done(outcome));
        }
        let Some(Opened::Late(pending) | Opened::Foreign(pending)) = opened else {
            return Err(expired());
        };
        self.show_again(*pending, Remark::Interrupted, visitor).await
    }

    /// The code in the provider's answer.
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
        let github =
            self.core.github.as_ref().ok_or(Error::AccessDenied("GitHub login is not set up"))?;
        github.identify(code, verifier).await.map_err(provider_error)
    }

    /// Ends the flow of `user`, or of a person who could not be identified. Returns `None` if what
    /// the flow rests on was revoked meanwhile. `stands` is asked last, and in any case in which
    /// something may have been written: a revocation takes effect there first, and then looks for what
    /// came of it.
    pub(in crate::oauth) async fn finish_by(
        &self,
        pending: &PendingAuthorization,
        user: Result<User, Error>,
        stands: impl Future<Output = Result<bool, Error>>,
        turn: &Turn,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let user = user?;
        // Boxed, since the futures that wait for it would be large.
        let done = Box::pin(self.finish(pending, user.clone(), turn)).await;
        if let Err(error @ Error::NotAllowed(_)) = done {
            return Err(error);
        }
        let stands = stands.await?;
        let outcome = done?;
        if stands {
            let logged_in = outcome.login.is_some();
            self.pending.keep_answer(turn, pending, (&user, logged_in)).await;
            return Ok(Some(outcome));
        }
        self.withdraw(&pending.request, &user).await?;
        Ok(None)
    }

    /// Ends the flow of `user`, who has just consented and logged in.
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
        self.sessions.remember_approval(&user, &pending.request).await?;
        Ok(AuthorizationOutcome { target, login: self.sessions.log_in(&user, &turn.login).await? })
    }

    /// Takes back what was written for `user`, since what it rests on was revoked meanwhile. A code or
    /// a cookie that nobody was given is of no use to anybody.
    pub(in crate::oauth) async fn withdraw(
        &self,
        request: &AuthorizationRequest,
        user: &User,
    ) -> Result<(), Error> {
        log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login withdrawn: what it rests on was revoked meanwhile");
        if let Reply::Device(device) = &request.reply {
            self.core.store.take_device_decision(&device.code, self.core.now()).await?;
        }
        self.sessions.forget_approval(user, request).await
    }

    /// Gives the client what it asked for, if `user` may use that.
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
            Reply::Redirect(_) => self.put_code(request, user, &turn.code).await?,
            Reply::Device(device) => {
                self.requests.answer_device(device, Some((user, request)), turn.step()).await?;
            }
        }
        target(&self.core.config.issuer, &request.reply, &turn.code)
    }

    async fn put_code(
        &self,
        request: &AuthorizationRequest,
        user: User,
        code: &AuthorizationCode,
    ) -> Result<(), Error> {
        let now = self.core.now();
        let record = CodeRecord {
            request: request.clone(),
            user,
            grant: Identifier::generate()?,
            expires_at: now.plus(CODE_LIFE),
        };
        Ok(self.core.store.put_code(code, &record, now).await?)
    }
}

/// Whose fault a failure of the login provider is: the person's, the operator's or its own.
fn provider_error(error: GithubError) -> Error {
    match error {
        GithubError::Refused(ref refusal) => Error::LoginRefused(refusal.told(), error),
        GithubError::Misconfigured(_) => Error::ProviderSetup(error),
        error => Error::Provider(error),
    }
}

/// The page for a callback that cannot be used.
fn expired() -> AuthorizeError {
    AuthorizeError::Page(Error::InvalidRequest(
        "this login has expired or began in another browser; start again",
    ))
}
