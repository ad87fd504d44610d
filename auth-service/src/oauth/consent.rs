//! The consent page between the request and the login provider (MCP security best practices:
//! "confused deputy"), bound to one browser.

use std::time::Duration;

use super::{Arrival, AuthServer, AuthorizeError, ConsentPage, Error, Landing, Params, Visitor};
use crate::model::{
    AuthorizationRequest, ConsentRecord, CsrfToken, FlowId, LoginCode, LoginRecord, LoginState,
    Prompt, User,
};

/// How long a person may take for one step.
pub(super) const STEP: Duration = Duration::from_mins(10);

/// The page cannot be used again, or belongs to another browser.
const STALE: Error = Error::InvalidRequest(
    "this page has expired or belongs to another browser; start again in your application",
);

/// What the person chose.
#[derive(Debug)]
pub enum Decision {
    /// Not to go on.
    Deny,
    /// To go on as the person who is logged in.
    LoggedIn,
    /// To log in with GitHub.
    GitHub,
    /// To log in with a code of the operator.
    Local(LoginCode),
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// The consent page.
    Page(Box<ConsentPage>),
    /// The login provider, at this URL.
    Provider(String),
    /// The end.
    Arrived(Arrival),
}

impl AuthServer {
    /// Begins the flow of an authorization request.
    pub async fn begin(&self, params: &Params, visitor: &Visitor) -> Result<Next, AuthorizeError> {
        let (request, prompt) = self.check_request(params).await?;
        match self.first_step(&request, prompt, visitor).await {
            Ok(next) => Ok(next),
            Err(error) => Err(self.refuse(&request, error).await),
        }
    }

    /// Nothing is asked of a person who is logged in and allowed the same before.
    async fn first_step(
        &self,
        request: &AuthorizationRequest,
        prompt: Prompt,
        visitor: &Visitor,
    ) -> Result<Next, Error> {
        if matches!(prompt, Prompt::Needed | Prompt::None) {
            let user = self.logged_in(visitor, request).await?;
            if let Some(user) = user {
                if let Some(landing) = self.admit_unasked(request, user, visitor).await? {
                    return Ok(Next::Arrived(Arrival { landing, login: None }));
                }
                if prompt == Prompt::None {
                    return Err(Error::ConsentRequired);
                }
            }
            if prompt == Prompt::None {
                return Err(Error::LoginRequired);
            }
        }
        let page = self.open_first_page(request, prompt, visitor).await?;
        Ok(Next::Page(Box::new(page)))
    }

    /// Nobody learns of a code that was made while the login or the consent it rests on was revoked:
    /// a revocation ends those first, and looks for codes after.
    async fn admit_unasked(
        &self,
        request: &AuthorizationRequest,
        user: User,
        visitor: &Visitor,
    ) -> Result<Option<Landing>, Error> {
        if !self.approved_before(&user, request).await? {
            return Ok(None);
        }
        let landing = self.admit(request, user.clone()).await?;
        let stands = self.logged_in(visitor, request).await?.is_some()
            && self.approved_before(&user, request).await?;
        Ok(stands.then_some(landing))
    }

    /// Goes on with what the person decided on the page of `flow`.
    pub async fn decide(
        &self,
        (flow, csrf): (&FlowId, &CsrfToken),
        visitor: &Visitor,
        decision: Decision,
    ) -> Result<Next, AuthorizeError> {
        let page = |error: Error| AuthorizeError::Page(error);
        let waiting = self.store.consent(flow, self.now()).await.map_err(|e| page(e.into()))?;
        let waiting = waiting.ok_or_else(|| page(STALE))?;
        let same_browser = waiting.browser.matches(&visitor.browser.fingerprint());
        if !same_browser || !waiting.csrf.matches(&csrf.fingerprint()) {
            return Err(page(STALE));
        }
        // Taken only now, so that a forged form cannot end somebody's flow.
        let taken = self.store.take_consent(flow, self.now()).await.map_err(|e| page(e.into()))?;
        let record = taken.ok_or_else(|| page(STALE))?;
        let next = match decision {
            Decision::Deny => Err(Error::AccessDenied("the person declined")),
            Decision::LoggedIn => self.go_on_as_logged_in(&record, visitor).await,
            Decision::GitHub => self.send_to_github(&record).await.map(Next::Provider),
            Decision::Local(code) => self.log_in_locally(&record, &code, visitor).await,
        };
        match next {
            Ok(next) => Ok(next),
            Err(error) => Err(self.refuse(&record.request, error).await),
        }
    }

    async fn go_on_as_logged_in(
        &self,
        record: &ConsentRecord,
        visitor: &Visitor,
    ) -> Result<Next, Error> {
        match self.logged_in(visitor, &record.request).await? {
            Some(user) if record.prompt != Prompt::Login => {
                self.remember_approval(&user, &record.request).await?;
                let landing = self.admit(&record.request, user.clone()).await?;
                if self.logged_in(visitor, &record.request).await?.is_some() {
                    return Ok(Next::Arrived(Arrival { landing, login: None }));
                }
                self.withdraw(&record.request, &user).await?;
                self.ask_again(record, record.attempts_left, visitor).await
            }
            // The login has ended while the page was open.
            _ => self.ask_again(record, record.attempts_left, visitor).await,
        }
    }

    async fn ask_again(
        &self,
        record: &ConsentRecord,
        attempts_left: u8,
        visitor: &Visitor,
    ) -> Result<Next, Error> {
        let state = (record.prompt, attempts_left);
        let page = self.open_page(&record.request, state, visitor).await?;
        Ok(Next::Page(Box::new(page)))
    }

    async fn send_to_github(&self, record: &ConsentRecord) -> Result<String, Error> {
        let github =
            self.github.as_ref().ok_or(Error::AccessDenied("GitHub login is not set up"))?;
        let (state, now) = (LoginState::generate()?, self.now());
        let (url, verifier) = github.authorize_url(state.reveal());
        let record = LoginRecord {
            request: record.request.clone(),
            browser: record.browser.clone(),
            verifier,
            expires_at: now.plus(STEP),
        };
        self.store.put_login(&state, &record, now).await?;
        Ok(url)
    }

    async fn log_in_locally(
        &self,
        record: &ConsentRecord,
        code: &LoginCode,
        visitor: &Visitor,
    ) -> Result<Next, Error> {
        if !self.config.local_login {
            return Err(Error::AccessDenied("login codes are turned off"));
        }
        let now = self.now();
        if let Some(user) = self.store.login_code(code, now).await?
            && self.store.is_first_use(&code.fingerprint(), (now, now.plus(STEP))).await?
        {
            let taken = async { Ok(self.store.take_login_code(code, self.now()).await?.is_some()) };
            if let Some(arrival) = self.arrive_by(&record.request, Ok(user), taken).await? {
                return Ok(Next::Arrived(arrival));
            }
        }
        self.metrics.login("local", "wrong_code");
        let left = record.attempts_left.saturating_sub(1);
        if left == 0 {
            return Err(Error::AccessDenied("too many wrong login codes"));
        }
        self.ask_again(record, left, visitor).await
    }
}
