//! The consent page between the request and the login provider (MCP security best practices:
//! "confused deputy"), bound to one browser.

use std::time::Duration;

use super::{AuthServer, AuthorizeError, Error, Params};
use crate::model::{
    AuthorizationRequest, BrowserSession, ConsentRecord, CsrfToken, Fingerprint, FlowId, LoginCode,
    LoginRecord, LoginState,
};

/// How long a person may take for one step.
const STEP: Duration = Duration::from_mins(10);

/// How many login codes may be tried on one page.
const ATTEMPTS: u8 = 5;

/// The page cannot be used again, or belongs to another browser.
const STALE: Error = Error::InvalidRequest(
    "this page has expired or belongs to another browser; start again in your application",
);

/// What the consent page shows and carries.
#[derive(Debug)]
pub struct ConsentPage {
    /// Names the request in the form.
    pub flow: FlowId,
    /// Proves the form.
    pub csrf: CsrfToken,
    /// The client's name.
    pub client_name: String,
    /// The host that vouches for the name, if one does.
    pub publisher: Option<String>,
    /// The host, or the scheme, that the answer goes to.
    pub destination: String,
    /// Whether the answer stays on the machine of the person.
    pub loopback: bool,
    /// Title and address of each server.
    pub servers: Vec<(String, String)>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// The ways to log in.
    pub ways: LoginWays,
    /// Whether a login code was tried and not known.
    pub wrong_code: bool,
}

/// The ways to log in.
#[derive(Clone, Copy, Debug)]
pub struct LoginWays {
    /// At GitHub.
    pub github: bool,
    /// With a code of the operator.
    pub local: bool,
}

/// What the person chose.
#[derive(Debug)]
pub enum Decision {
    /// Not to go on.
    Deny,
    /// To log in with GitHub.
    GitHub,
    /// To log in with a code of the operator.
    Local(LoginCode),
}

/// What comes after a form.
#[derive(Debug)]
pub enum Next {
    /// Go to this URL: the provider's, or the client's.
    Go(String),
    /// The page again.
    Again(Box<ConsentPage>),
}

impl AuthServer {
    /// Begins the flow of an authorization request in `browser`.
    pub async fn begin(
        &self,
        params: &Params,
        browser: &BrowserSession,
    ) -> Result<ConsentPage, AuthorizeError> {
        let request = self.check_request(params).await?;
        let page = self.open_page(&request, browser.fingerprint(), ATTEMPTS).await;
        page.map_err(|error| self.refuse(&request, error))
    }

    /// Goes on with what the person decided on the page of `flow`.
    pub async fn decide(
        &self,
        (flow, csrf): (&FlowId, &CsrfToken),
        browser: &BrowserSession,
        decision: Decision,
    ) -> Result<Next, AuthorizeError> {
        let page = |error: Error| AuthorizeError::Page(error);
        let waiting = self.store.consent(flow, self.now()).await.map_err(|e| page(e.into()))?;
        let waiting = waiting.ok_or_else(|| page(STALE))?;
        let same_browser = waiting.browser.matches(&browser.fingerprint());
        if !same_browser || !waiting.csrf.matches(&csrf.fingerprint()) {
            return Err(page(STALE));
        }
        // Taken only now, so that a forged form cannot end somebody's flow.
        let taken = self.store.take_consent(flow, self.now()).await.map_err(|e| page(e.into()))?;
        let record = taken.ok_or_else(|| page(STALE))?;
        let next = match decision {
            Decision::Deny => Err(Error::AccessDenied("the person declined")),
            Decision::GitHub => self.send_to_github(&record).await.map(Next::Go),
            Decision::Local(code) => self.log_in_locally(&record, &code).await,
        };
        next.map_err(|error| self.refuse(&record.request, error))
    }

    async fn open_page(
        &self,
        request: &AuthorizationRequest,
        browser: Fingerprint,
        attempts_left: u8,
    ) -> Result<ConsentPage, Error> {
        let (flow, csrf) = (FlowId::generate()?, CsrfToken::generate()?);
        let now = self.now();
        let record = ConsentRecord {
            request: request.clone(),
            browser,
            csrf: csrf.fingerprint(),
            attempts_left,
            expires_at: now.plus(STEP),
        };
        self.store.put_consent(&flow, &record, now).await?;
        let catalogue = self.catalogue();
        let servers = request.resources.iter().filter_map(|uri| catalogue.by_resource(uri));
        Ok(ConsentPage {
            flow,
            csrf,
            client_name: request.client_name.clone(),
            publisher: super::client_document::publisher(&request.client_id),
            destination: request.redirect_uri.destination(),
            loopback: super::redirect_uri::stays_local(&request.redirect_uri),
            servers: servers.map(|s| (s.title.clone(), s.resource.to_string())).collect(),
            scopes: request.scopes.iter().map(str::to_owned).collect(),
            ways: LoginWays { github: self.github.is_some(), local: self.config.local_login },
            wrong_code: attempts_left < ATTEMPTS,
        })
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
    ) -> Result<Next, Error> {
        if !self.config.local_login {
            return Err(Error::AccessDenied("login codes are turned off"));
        }
        if let Some(user) = self.store.take_login_code(code, self.now()).await? {
            return self.admit(&record.request, user).await.map(Next::Go);
        }
        let left = record.attempts_left.saturating_sub(1);
        if left == 0 {
            return Err(Error::AccessDenied("too many wrong login codes"));
        }
        let page = self.open_page(&record.request, record.browser.clone(), left).await?;
        Ok(Next::Again(Box::new(page)))
    }
}
