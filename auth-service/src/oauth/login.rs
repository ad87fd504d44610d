//! The person is back from the login provider, or gave a code: who they are becomes a code for the
//! client (RFC 6749 §4.1.2).

use std::time::Duration;

use super::{AuthServer, AuthorizeError, Error, Params, Visitor, authorization, pending::Opened};
use crate::{
    model::{
        AuthorizationCode, AuthorizationRequest, CodeRecord, Identifier, LoginSession, LoginState,
        PendingAuthorization, Redirect, Reply, SealedAuthorization, Stage, User,
    },
    ports::GithubError,
};

/// How long an authorization code may take to the token endpoint.
const CODE_LIFE: Duration = Duration::from_mins(1);

/// What the login provider sent along.
#[derive(Debug)]
pub enum ProviderAnswer {
    /// A code to find out who it is.
    Code(String),
    /// The person, or the provider, declined.
    Denied,
}

/// The end of a flow.
#[derive(Debug)]
pub struct AuthorizationOutcome {
    /// Where the browser goes.
    pub target: RedirectTarget,
    /// The cookie of a login that has just taken place.
    pub login: Option<LoginSession>,
}

/// Where the browser goes at the end of a flow.
#[derive(Debug)]
pub enum RedirectTarget {
    /// To the client, by this URL.
    Client(String),
    /// Nowhere: the device continues automatically.
    Device,
}

impl ProviderAnswer {
    /// Reads the query of the callback.
    pub fn read(params: &Params) -> Result<(LoginState, Self), Error> {
        let state = params.required("state", "state is missing")?;
        let answer = match (params.one("code")?, params.one("error")?) {
            (Some(code), None) => Self::Code(code.to_owned()),
            (_, Some(_)) => Self::Denied,
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

impl AuthServer {
    /// Finishes a login at the provider. The callback is good only in the browser that consented: a
    /// link with somebody else's `state` must not log its reader into that one's client.
    pub async fn finish_login(
        &self,
        back: ProviderReturn,
        visitor: Option<&Visitor>,
    ) -> Result<AuthorizationOutcome, AuthorizeError> {
        let opened = match (&back.pending, visitor) {
            (Some(pending), Some(visitor)) => self.open(pending, visitor),
            _ => Opened::Unknown,
        };
        let Opened::Valid(pending) = opened else { return Err(expired()) };
        let Stage::AtProvider { state, verifier, revocations } = &pending.stage else {
            return Err(expired());
        };
        if !state.matches(&back.state.fingerprint()) {
            return Err(expired());
        }
        // Asked once before the provider is, and again after everything is written.
        let stands = async || -> Result<bool, Error> {
            Ok(revocations.are_still(&self.store.revocations(&pending.request).await?))
        };
        if !stands().await.map_err(AuthorizeError::Page)? {
            return Err(expired());
        }
        let user = match back.answer {
            ProviderAnswer::Denied => {
                self.metrics.login("github", "declined");
                Err(Error::AccessDenied("the login was declined"))
            }
            ProviderAnswer::Code(code) => {
                let user = self.identify(&code, verifier).await;
                user.inspect_err(|_| self.metrics.login("github", "failed"))
            }
        };
        match self.finish_by(&pending, user, stands()).await {
            Ok(outcome) => outcome.ok_or_else(expired),
            Err(error) => Err(self.refuse(&pending.request, error).await),
        }
    }

    async fn identify(&self, code: &str, verifier: &str) -> Result<User, Error> {
        let github =
            self.github.as_ref().ok_or(Error::AccessDenied("GitHub login is not set up"))?;
        github.identify(code, verifier).await.map_err(|error| match error {
            GithubError::Refused(_) => Error::AccessDenied("the login provider refused the login"),
            error => Error::Provider(error),
        })
    }

    /// Ends the flow of `user`, or of a person who could not be identified. Returns `None` if what
    /// the flow rests on was revoked meanwhile. `stands` is asked last and in any case: a revocation
    /// takes effect there first, and then looks for what came of it.
    pub(super) async fn finish_by(
        &self,
        pending: &PendingAuthorization,
        user: Result<User, Error>,
        stands: impl Future<Output = Result<bool, Error>>,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let done = match user {
            // Boxed, since the futures that wait for it would be large.
            Ok(user) => {
                Box::pin(self.finish(pending, user.clone())).await.map(|outcome| (outcome, user))
            }
            Err(error) => Err(error),
        };
        let stands = stands.await?;
        let (outcome, user) = done?;
        if stands {
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
    ) -> Result<AuthorizationOutcome, Error> {
        let target = self.admit(pending, user.clone()).await;
        let outcome = match &target {
            Ok(_) => "granted",
            Err(Error::AccessDenied(_)) => "refused",
            Err(_) => "failed",
        };
        self.metrics.login(user.person().provider(), outcome);
        let target = target?;
        self.remember_approval(&user, &pending.request).await?;
        Ok(AuthorizationOutcome { target, login: self.log_in(&user).await? })
    }

    /// Takes back what was written for `user`, since what it rests on was revoked meanwhile. A code or
    /// a cookie that nobody was given is of no use to anybody.
    pub(super) async fn withdraw(
        &self,
        request: &AuthorizationRequest,
        user: &User,
    ) -> Result<(), Error> {
        log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login withdrawn: what it rests on was revoked meanwhile");
        if let Reply::Device(device) = &request.reply {
            self.store.take_device_decision(&device.code, self.now()).await?;
        }
        self.forget_approval(user, request).await
    }

    /// Gives the client what it asked for, if `user` may use that.
    pub(super) async fn admit(
        &self,
        pending: &PendingAuthorization,
        user: User,
    ) -> Result<RedirectTarget, Error> {
        let request = &pending.request;
        if !self.may_log_in(&user) || !self.may_use(&user, &request.resources) {
            log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
                "login refused by policy");
            return Err(Error::AccessDenied("this account may not use this server"));
        }
        self.keep_client(pending).await?;
        log::info!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login granted");
        match &request.reply {
            Reply::Redirect(redirect) => self.issue_code(request, redirect, user).await,
            Reply::Device(device) => {
                self.answer_device(device, Some(user)).await?;
                Ok(RedirectTarget::Device)
            }
        }
    }

    async fn issue_code(
        &self,
        request: &AuthorizationRequest,
        redirect: &Redirect,
        user: User,
    ) -> Result<RedirectTarget, Error> {
        let (code, now) = (AuthorizationCode::generate()?, self.now());
        let record = CodeRecord {
            request: request.clone(),
            user,
            grant: Identifier::generate()?,
            expires_at: now.plus(CODE_LIFE),
        };
        self.store.put_code(&code, &record, now).await?;
        let state = redirect.state.as_deref();
        let parameters = [("code", code.reveal())];
        authorization::response(&self.config.issuer, &redirect.uri, state, &parameters)
            .map(RedirectTarget::Client)
            .ok_or(Error::InvalidRequest("redirect_uri cannot be used"))
    }
}

/// The page for a callback that cannot be used.
fn expired() -> AuthorizeError {
    AuthorizeError::Page(Error::InvalidRequest(
        "this login has expired or began in another browser; start again",
    ))
}
