//! The consent step between the authorization request and the login provider.
//!
//! It prevents the "confused deputy" problem of the MCP security best practices, and is bound to one
//! browser.

use super::{
    idempotency::{Begun, Step, TURN, Turn},
    pending::{Opened, STEP},
};
use crate::{
    model::{
        CsrfToken, Generation, LoginCode, LoginState, NoMarks, PendingAuthorization, Prompt,
        SealedAuthorization, Stage, User,
    },
    oauth::{
        AuthorizationOutcome, AuthorizeError, BrowserContext, ConsentFlow, Error, Next, Params,
        ProviderVisit, RedirectTarget, Remark, rate_limits::LOGIN_CODE_TRIES,
    },
};

/// The decision of a person on the consent page.
#[derive(Debug)]
pub enum Decision {
    /// Deny the request of the client.
    Deny,
    /// Allow the request as the person who is logged in.
    LoggedIn,
    /// Allow the request after a login with GitHub.
    GitHub,
    /// Allow the request after a login with this code from the operator.
    Local(LoginCode),
    /// Select the server with this URL from the offered ones.
    Server(String),
}

impl Decision {
    /// Returns a text that identifies the decision, with a fingerprint instead of the login code.
    fn name(&self) -> String {
        match self {
            Self::Deny => "deny".to_owned(),
            Self::LoggedIn => "allow".to_owned(),
            Self::GitHub => "github".to_owned(),
            Self::Local(code) => format!("local {}", code.fingerprint()),
            Self::Server(chosen) => format!("server {chosen}"),
        }
    }
}

/// A submitted consent form.
#[derive(Debug)]
pub struct ConsentForm {
    /// The pending authorization of the form.
    pub pending: SealedAuthorization,
    /// The CSRF token of the form.
    pub csrf: CsrfToken,
    /// The button that was pressed.
    pub decision: Decision,
}

impl ConsentFlow {
    /// Starts the flow of an authorization request.
    pub async fn begin(
        &self,
        params: &Params,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        let (request, client, prompt) = match self.requests.check_request(params).await {
            Ok(checked) => checked,
            Err(refused) => return Err(self.requests.refuse_unseen(refused, browser).await),
        };
        let pending = self
            .pending
            .pending(request, &client, prompt, browser)
            .map_err(AuthorizeError::Page)?;
        match self.first_step(&pending, browser).await {
            Ok(next) => Ok(next),
            Err(error) => {
                Err(self.requests.refuse_unasked(&pending, &client, error, browser).await)
            }
        }
    }

    /// Decides on the first step: the consent page, or an immediate outcome.
    ///
    /// The page is skipped if the logged-in person consented to the same request before, and the browser
    /// reports that no other site started the navigation.
    async fn first_step(
        &self,
        pending: &PendingAuthorization,
        browser: &BrowserContext,
    ) -> Result<Next, Error> {
        let generation = self.core.store.grants.generation().await?;
        if matches!(pending.prompt, Prompt::Needed | Prompt::None)
            && let Some(user) = self.sessions.logged_in(browser, &pending.request).await?
            && self.sessions.approved_before(&user, &pending.request).await?
        {
            if browser.is_own_navigation {
                if let Some(target) = self.admit_unasked(pending, user, generation, browser).await?
                {
                    return Ok(Next::Done(AuthorizationOutcome { target, login: None }));
                }
            } else if pending.prompt == Prompt::None {
                return Err(Error::InteractionRequired);
            }
        }
        if pending.prompt == Prompt::None {
            return match self.sessions.logged_in(browser, &pending.request).await? {
                Some(_) => Err(Error::ConsentRequired),
                None => Err(Error::LoginRequired),
            };
        }
        self.page(pending.clone(), browser).await
    }

    /// Issues a code without showing the consent page.
    ///
    /// Returns `None` if the remembered consent or the login, which were checked in `generation`, was revoked
    /// concurrently. The code is revoked then, too.
    async fn admit_unasked(
        &self,
        pending: &PendingAuthorization,
        user: User,
        generation: Generation,
        browser: &BrowserContext,
    ) -> Result<Option<RedirectTarget>, Error> {
        let target = self.admit(pending, user.clone(), &Turn::alone(generation)?).await?;
        let stands = self.sessions.logged_in(browser, &pending.request).await?.is_some()
            && self.sessions.approved_before(&user, &pending.request).await?;
        Ok(stands.then_some(target))
    }

    /// Handles a submitted consent form.
    ///
    /// A form that has expired or belongs to another browser decides nothing. Its page is shown again.
    pub async fn decide(
        &self,
        form: ConsentForm,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        let (pending, is_late) = match self.pending.open(&form.pending, browser) {
            Opened::Valid(pending) => (pending, false),
            Opened::Late(pending) => (pending, true),
            Opened::Foreign(pending) => {
                return self.show_again(*pending, Remark::Stale, browser).await;
            }
            Opened::Unknown => return Err(AuthorizeError::Page(UNKNOWN)),
        };
        match &pending.stage {
            Stage::AwaitingConsent { csrf } if csrf.matches(&form.csrf.fingerprint()) => {}
            _ => return Err(AuthorizeError::Page(UNKNOWN)),
        }
        let step = Step::of_form(&pending, &form.csrf, &form.decision.name());
        if is_late {
            let answered =
                self.pending.answered(&step, browser).await.map_err(AuthorizeError::Page)?;
            return match answered {
                Some(outcome) => Ok(Next::Done(outcome)),
                None => self.show_again(*pending, Remark::Stale, browser).await,
            };
        }
        let next = match form.decision {
            Decision::Deny => Err(Error::AccessDenied("the user denied the request")),
            Decision::Server(chosen) => self.choose_server(&pending, &chosen, browser).await,
            // A request without a server cannot be allowed.
            _ if pending.request.resources.is_empty() => self.page(*pending.clone(), browser).await,
            Decision::GitHub => self.send_to_github(&pending).await.map(Next::Provider),
            Decision::LoggedIn => Box::pin(self.let_in(&pending, None, &step, browser)).await,
            Decision::Local(code) => {
                Box::pin(self.let_in(&pending, Some(&code), &step, browser)).await
            }
        };
        match next {
            Ok(next) => Ok(next),
            Err(Error::NotAllowed(name)) => self.show_refused(*pending, name, browser).await,
            Err(error) => Err(self.requests.refuse(&pending.request, error, &step.id).await),
        }
    }

    /// Completes the flow with `code`, or as the person who is logged in.
    ///
    /// Of several identical requests one completes the flow, and the others get the same outcome.
    async fn let_in(
        &self,
        pending: &PendingAuthorization,
        code: Option<&LoginCode>,
        step: &Step,
        browser: &BrowserContext,
    ) -> Result<Next, Error> {
        let turn = match self.pending.begin_step(step, browser, None).await? {
            Begun::Answered(outcome) => return Ok(Next::Done(outcome)),
            Begun::Turn(turn) => turn,
        };
        let next = match code {
            Some(code) => Box::pin(self.log_in_locally(pending, code, browser, &turn)).await,
            None => self.continue_as_logged_in(pending, browser, &turn).await,
        };
        self.pending.end_turn(&turn).await;
        next
    }

    /// Shows the consent page again after an unusable form or callback.
    ///
    /// Returns an error if the client or its redirect URI is no longer registered.
    pub(in crate::oauth) async fn show_again(
        &self,
        pending: PendingAuthorization,
        remark: Remark,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        self.requests.check_again(&pending).await.map_err(AuthorizeError::Page)?;
        let mut page = self.consent_page(pending, browser).await.map_err(AuthorizeError::Page)?;
        page.remark = Some(remark);
        Ok(Next::Page(Box::new(page)))
    }

    /// Shows the consent page again after the account `name` was denied, so that the person can use
    /// another account.
    pub(in crate::oauth) async fn show_refused(
        &self,
        mut pending: PendingAuthorization,
        name: String,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        pending.refused = Some(name);
        self.show_again(pending, Remark::Refused, browser).await
    }

    async fn continue_as_logged_in(
        &self,
        pending: &PendingAuthorization,
        browser: &BrowserContext,
        turn: &Turn,
    ) -> Result<Next, Error> {
        match self.sessions.logged_in(browser, &pending.request).await? {
            Some(user) if pending.prompt != Prompt::Login => {
                self.sessions.remember_consent(&user, &pending.request, turn.generation).await?;
                let target = self.admit(pending, user.clone(), turn).await?;
                if self.sessions.logged_in(browser, &pending.request).await?.is_some() {
                    self.pending.keep_answer(turn, pending, (&user, false)).await;
                    return Ok(Next::Done(AuthorizationOutcome { target, login: None }));
                }
                self.withdraw(&pending.request, &user).await?;
                self.page(pending.clone(), browser).await
            }
            // The login session ended while the page was open.
            _ => self.page(pending.clone(), browser).await,
        }
    }

    async fn send_to_github(&self, pending: &PendingAuthorization) -> Result<ProviderVisit, Error> {
        let github = self
            .core
            .github
            .as_ref()
            .ok_or(Error::AccessDenied("GitHub login is not configured"))?;
        let state = LoginState::generate()?;
        let (url, verifier) = github.authorize_url(state.reveal(), pending.pick_account);
        let at_provider = Stage::AtProvider {
            state: state.fingerprint(),
            verifier,
            generation: self.core.store.grants.generation().await?,
            revocations: NoMarks::of(&pending.request),
        };
        let pending = PendingAuthorization {
            stage: at_provider,
            expires_at: self.core.now().plus(STEP),
            ..pending.clone()
        };
        Ok(ProviderVisit { url, state, pending: self.pending.seal_for_cookie(pending)? })
    }

    async fn log_in_locally(
        &self,
        pending: &PendingAuthorization,
        code: &LoginCode,
        browser: &BrowserContext,
        turn: &Turn,
    ) -> Result<Next, Error> {
        if !self.core.config.local_login {
            return Err(Error::AccessDenied("login codes are disabled"));
        }
        let now = self.core.now();
        if let Some(user) = self.core.store.logins.login_code(code, now).await?
            && self.core.store.logins.lock_login_code(code, (now, now.plus(TURN))).await?
        {
            let taken = async {
                Ok(self.core.store.logins.take_login_code(code, self.core.now()).await?.is_some())
            };
            let done = Box::pin(self.finish_by(pending, Ok(user), taken, turn)).await;
            if done.is_err() {
                self.core.store.logins.unlock_login_code(code).await?;
            }
            if let Some(outcome) = done? {
                return Ok(Next::Done(outcome));
            }
        }
        self.core.metrics.login("local", "wrong_code");
        // Only wrong codes count. The counters are shared, so counting all requests would let a
        // flood lock people out.
        if self.core.count_wrong_code(&pending.id).await? >= LOGIN_CODE_TRIES {
            return Err(Error::AccessDenied("too many wrong login codes"));
        }
        let mut page = self.consent_page(pending.clone(), browser).await?;
        page.remark = Some(Remark::WrongCode);
        Ok(Next::Page(Box::new(page)))
    }

    async fn page(
        &self,
        pending: PendingAuthorization,
        browser: &BrowserContext,
    ) -> Result<Next, Error> {
        Ok(Next::Page(Box::new(self.consent_page(pending, browser).await?)))
    }
}

/// The error for a form that this server did not create, or that was modified.
const UNKNOWN: Error = Error::InvalidRequest(
    "this form is incomplete or was not made by this server; start again in your application",
);
