//! The person is back from the login provider, or gave a code: who they are becomes a code for the
//! client (RFC 6749 §4.1.2).

use std::time::Duration;

use super::{AuthServer, AuthorizeError, Error, Params, authorization};
use crate::{
    model::{
        AuthorizationCode, AuthorizationRequest, BrowserSession, CodeRecord, Identifier,
        LoginState, User,
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
    /// Finishes a login at the provider; answers the URL to send the browser to.
    pub async fn finish_login(
        &self,
        state: &LoginState,
        answer: ProviderAnswer,
        browser: Option<&BrowserSession>,
    ) -> Result<String, AuthorizeError> {
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
        let taken = self.store.take_login(state, self.now()).await.map_err(page)?;
        let record = taken.ok_or_else(expired)?;
        let done = match answer {
            ProviderAnswer::Denied => Err(Error::AccessDenied("the login was declined")),
            ProviderAnswer::Code(code) => match self.identify(&code, &record.verifier).await {
                Ok(user) => self.admit(&record.request, user).await,
                Err(error) => Err(error),
            },
        };
        done.map_err(|error| self.refuse(&record.request, error))
    }

    async fn identify(&self, code: &str, verifier: &str) -> Result<User, Error> {
        let github =
            self.github.as_ref().ok_or(Error::AccessDenied("GitHub login is not set up"))?;
        github.identify(code, verifier).await.map_err(|error| match error {
            GithubError::Refused(_) => Error::AccessDenied("the login provider refused the login"),
            error => Error::Provider(error),
        })
    }

    /// Gives the client its code, if `user` may use what it asked for.
    pub(super) async fn admit(
        &self,
        request: &AuthorizationRequest,
        user: User,
    ) -> Result<String, Error> {
        if !self.may_log_in(&user) || !self.may_use(&user, &request.resources) {
            log::warn!(target: "audit", subject = user.subject, client:% = request.client_id;
                "login refused by policy");
            return Err(Error::AccessDenied("this account may not use this server"));
        }
        let (code, now) = (AuthorizationCode::generate()?, self.now());
        log::info!(target: "audit", subject = user.subject, client:% = request.client_id;
            "login granted");
        let record = CodeRecord {
            request: request.clone(),
            user,
            grant: Identifier::generate()?,
            expires_at: now.plus(CODE_LIFE),
        };
        self.store.put_code(&code, &record, now).await?;
        let state = request.state.as_deref();
        let parameters = [("code", code.reveal())];
        authorization::response(&self.config.issuer, &request.redirect_uri, state, &parameters)
            .ok_or(Error::InvalidRequest("redirect_uri cannot be used"))
    }
}
