//! The person is back from the login provider, or gave a code: who they are becomes a code for the
//! client (RFC 6749 §4.1.2).

use std::time::Duration;

use super::{AuthServer, AuthorizeError, Error, Params, authorization};
use crate::{
    model::{
        AuthorizationCode, AuthorizationRequest, BrowserSession, CodeRecord, Identifier,
        LoginSession, LoginState, Redirect, Reply, User,
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
pub struct Arrival {
    /// Where the browser lands.
    pub landing: Landing,
    /// The cookie of a login that has just taken place.
    pub login: Option<LoginSession>,
}

/// Where the browser lands.
#[derive(Debug)]
pub enum Landing {
    /// At the client, by this URL.
    Client(String),
    /// Here: the device goes on by itself.
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

impl AuthServer {
    /// Finishes a login at the provider.
    pub async fn finish_login(
        &self,
        state: &LoginState,
        answer: ProviderAnswer,
        browser: Option<&BrowserSession>,
    ) -> Result<Arrival, AuthorizeError> {
        let expired = || {
            AuthorizeError::Page(Error::InvalidRequest(
                "this login has expired or began in another browser; start again",
            ))
        };
        let page = |error: crate::store::Error| AuthorizeError::Page(error.into());
        let waiting =
            self.store.login(state, self.now()).await.map_err(page)?.ok_or_else(expired)?;
        // The callback is good only in the browser that consented: a link with somebody else's
        // `state` must not log its reader into that one's client.
        if !browser.is_some_and(|browser| waiting.browser.matches(&browser.fingerprint())) {
            return Err(expired());
        }
        let times = (self.now(), waiting.expires_at);
        if !self.store.is_first_use(&state.fingerprint(), times).await.map_err(page)? {
            return Err(expired());
        }
        let user = match answer {
            ProviderAnswer::Denied => {
                self.metrics.login("github", "declined");
                Err(Error::AccessDenied("the login was declined"))
            }
            ProviderAnswer::Code(code) => {
                let user = self.identify(&code, &waiting.verifier).await;
                user.inspect_err(|_| self.metrics.login("github", "failed"))
            }
        };
        let taken = async { Ok(self.store.take_login(state, self.now()).await?.is_some()) };
        match self.arrive_by(&waiting.request, user, taken).await {
            Ok(arrival) => arrival.ok_or_else(expired),
            Err(error) => Err(self.refuse(&waiting.request, error).await),
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

    /// The end of the flow of `user`, or of one of whom it was not found out who it is; `None` if what
    /// it rests on was revoked meanwhile. That is `taken` last and in any case: who revokes ends it,
    /// then looks for what came of it.
    pub(super) async fn arrive_by(
        &self,
        request: &AuthorizationRequest,
        user: Result<User, Error>,
        taken: impl Future<Output = Result<bool, Error>>,
    ) -> Result<Option<Arrival>, Error> {
        let done = match user {
            // Boxed, since the futures that wait for it would be large.
            Ok(user) => {
                Box::pin(self.arrive(request, user.clone())).await.map(|there| (there, user))
            }
            Err(error) => Err(error),
        };
        let stands = taken.await?;
        let (arrival, user) = done?;
        if stands {
            return Ok(Some(arrival));
        }
        self.withdraw(request, &user).await?;
        Ok(None)
    }

    /// The end of the flow of `user`, who has just consented and logged in.
    async fn arrive(&self, request: &AuthorizationRequest, user: User) -> Result<Arrival, Error> {
        let landing = self.admit(request, user.clone()).await;
        let outcome = match &landing {
            Ok(_) => "granted",
            Err(Error::AccessDenied(_)) => "refused",
            Err(_) => "failed",
        };
        self.metrics.login(user.person().provider(), outcome);
        let landing = landing?;
        self.remember_approval(&user, request).await?;
        Ok(Arrival { landing, login: self.log_in(&user).await? })
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
        request: &AuthorizationRequest,
        user: User,
    ) -> Result<Landing, Error> {
        if !self.may_log_in(&user) || !self.may_use(&user, &request.resources) {
            log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
                "login refused by policy");
            return Err(Error::AccessDenied("this account may not use this server"));
        }
        log::info!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login granted");
        match &request.reply {
            Reply::Redirect(redirect) => self.issue_code(request, redirect, user).await,
            Reply::Device(device) => {
                self.answer_device(device, Some(user)).await?;
                Ok(Landing::Device)
            }
        }
    }

    async fn issue_code(
        &self,
        request: &AuthorizationRequest,
        redirect: &Redirect,
        user: User,
    ) -> Result<Landing, Error> {
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
            .map(Landing::Client)
            .ok_or(Error::InvalidRequest("redirect_uri cannot be used"))
    }
}
