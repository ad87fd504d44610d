//! The consent step between the authorization request and the login provider.
//!
//! It prevents the "confused deputy" problem of the MCP security best practices, and is bound to one
//! browser.

use gateway_contract::audit::EventKind;

use super::{
    consent_form::ConsentForm,
    flow_state::{Consented, Decided, Departure, NotAwaited},
    idempotency::{Begun, Step, Turn},
    login::provider_error,
    pending::{Opened, STEP},
};
use crate::{
    model::{LoginCode, LoginState, NoMarks, PendingAuthorization, Prompt, ProviderLogin, Reply},
    oauth::{
        AuthorizationOutcome, AuthorizeError, BrowserContext, ConsentFlow, Error, Next, People,
        ProviderVisit, Remark, StepFault,
    },
    upstream::LoginStart,
};

impl ConsentFlow {
    /// Handles a submitted consent form.
    ///
    /// A form that has expired or belongs to another browser decides nothing. Its page is shown again.
    pub async fn decide(
        &self,
        form: ConsentForm,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        let (state, is_late) = match self.pending.open(&form.pending, browser) {
            Opened::Valid(state) => (state, false),
            Opened::Late(state) => (state, true),
            Opened::Foreign(pending) => {
                return self.show_again(*pending, Remark::Stale, browser).await;
            }
            Opened::Unknown => return Err(AuthorizeError::Page(UNKNOWN)),
        };
        let pending = state.pending().clone();
        let step = Step::of_form(&pending, &form.csrf, &form.decision.name());
        let decided = state.decide(&form.csrf, form.decision);
        let decided = decided.map_err(|NotAwaited| AuthorizeError::Page(UNKNOWN))?;
        if is_late {
            return self.answer_late_form(pending, &step, browser).await;
        }
        match self.take_step(decided, &step, browser).await {
            Ok(next) => Ok(next),
            Err(Error::NotAllowed(name)) => self.show_refused(pending, name, browser).await,
            Err(error @ Error::AccessDenied(DENIED))
                if matches!(pending.request.reply, Reply::Redirect(_)) =>
            {
                let request = &pending.request;
                let denied =
                    self.core.draft_of_request(EventKind::ConsentDenied, request, &browser.caller);
                self.core.store.audit.tell(denied.denied("person"));
                Err(self.requests.refuse(request, error, &step.id, &browser.caller).await)
            }
            Err(error) => {
                Err(self.requests.refuse(&pending.request, error, &step.id, &browser.caller).await)
            }
        }
    }

    /// Answers a form that has expired with its earlier outcome, or else with the page.
    async fn answer_late_form(
        &self,
        pending: PendingAuthorization,
        step: &Step,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        match self.pending.answered(step, browser).await.map_err(AuthorizeError::Page)? {
            Some(outcome) => Ok(Next::Done(outcome)),
            None => self.show_again(pending, Remark::Stale, browser).await,
        }
    }

    /// Takes the step that the person decided on.
    async fn take_step(
        &self,
        decided: Decided,
        step: &Step,
        browser: &BrowserContext,
    ) -> Result<Next, Error> {
        match decided {
            Decided::Denied => Err(Error::AccessDenied(DENIED)),
            Decided::Server(choice, url) => self.choose_server(choice, &url, browser).await,
            Decided::Departure(departure, name) => {
                self.send_to_provider(departure, &name).await.map(Next::Provider)
            }
            Decided::LoggedIn(consented) => {
                Box::pin(self.let_in(&consented, None, step, browser)).await
            }
            Decided::LoginCode(consented, code) => {
                Box::pin(self.let_in(&consented, Some(&code), step, browser)).await
            }
            Decided::NotOffered(pending) => self.page(*pending, browser).await,
        }
    }

    /// Completes the flow with `code`, or as the person who is logged in.
    ///
    /// Of several identical requests one completes the flow, and the others get the same outcome.
    async fn let_in(
        &self,
        consented: &Consented,
        code: Option<&LoginCode>,
        step: &Step,
        browser: &BrowserContext,
    ) -> Result<Next, Error> {
        let turn = match self.pending.begin_step(step, browser, None).await? {
            Begun::Answered(outcome) => return Ok(Next::Done(outcome)),
            Begun::Turn(turn) => turn,
        };
        let next = match code {
            Some(code) => Box::pin(self.log_in_locally(consented, code, browser, &turn)).await,
            None => self.continue_as_logged_in(consented, browser, &turn).await,
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
        consented: &Consented,
        browser: &BrowserContext,
        turn: &Turn,
    ) -> Result<Next, Error> {
        let pending = consented.pending();
        match self.sessions.logged_in(browser, &pending.request).await? {
            Some(user) if pending.prompt != Prompt::Login => {
                let (generation, caller) = (turn.generation, &turn.caller);
                let request = &pending.request;
                self.sessions.remember_consent(&user, request, generation, caller).await?;
                let target = self.admit(consented, user.clone(), (turn, None)).await?;
                if self.sessions.logged_in(browser, &pending.request).await?.is_some() {
                    let outcome = AuthorizationOutcome { target, login: None };
                    self.pending.keep_answer(turn, pending, &user, &outcome).await;
                    return Ok(Next::Done(outcome));
                }
                self.withdraw(&pending.request, &user, &turn.caller).await?;
                self.page(pending.clone(), browser).await
            }
            // The login session ended while the page was open.
            _ => self.page(pending.clone(), browser).await,
        }
    }

    async fn send_to_provider(
        &self,
        departure: Departure,
        name: &str,
    ) -> Result<ProviderVisit, Error> {
        let provider = self.core.provider(name)?;
        People::of(&self.core).check_origin(name, provider).await?;
        let state = LoginState::generate()?;
        let pending = departure.pending();
        let prompt = match pending.prompt {
            Prompt::Login => Prompt::Login,
            _ if pending.pick_account => Prompt::SelectAccount,
            other => other,
        };
        let access = self.core.access();
        let started = provider.start(state.reveal(), prompt, access.wanted(name)).await;
        let LoginStart { url, verifier } = started.map_err(provider_error)?;
        let login = ProviderLogin {
            provider: provider.name().clone(),
            state: state.fingerprint(),
            verifier,
            generation: self.core.store.grants.generation().await?,
            revocations: NoMarks::of(&pending.request),
        };
        let pending = departure.depart(login, self.core.now().plus(STEP));
        Ok(ProviderVisit { url, state, pending: self.pending.seal_for_cookie(pending)? })
    }

    pub(super) async fn page(
        &self,
        pending: PendingAuthorization,
        browser: &BrowserContext,
    ) -> Result<Next, Error> {
        Ok(Next::Page(Box::new(self.consent_page(pending, browser).await?)))
    }
}

/// The message of a request that the person cancelled.
const DENIED: &str = "the user denied the request";

/// The error for a form that this server did not create, or that was modified.
const UNKNOWN: Error = Error::Step(StepFault::UnknownForm);
