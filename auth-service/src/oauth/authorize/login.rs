//! Return of a person from the login provider.

use std::future::ready;

use gateway_contract::audit::Outcome;

use super::{
    flow_state::{CalledBack, NotAwaited, Returned},
    idempotency::{Begun, Step},
    pending::Opened,
};
use crate::{
    model::{AuthorizationRequest, LoginState, SealedAuthorization},
    oauth::{
        AuthorizeError, BrowserContext, ConsentFlow, Error, Next, Params, People, Remark, StepFault,
    },
    upstream::{Blame, LoginProvider, ProviderError},
};

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
    pub fn read(params: &Params) -> Result<(LoginState, Self, Option<String>), Error> {
        let state = params.required("state", "state is missing")?;
        let answer = match (params.one("code")?, params.one("error")?) {
            (Some(code), None) => Self::Code(code.to_owned()),
            (_, Some("access_denied")) => Self::Denied,
            (_, Some(error)) => Self::Failed(error.to_owned()),
            (None, None) => return Err(Error::InvalidRequest("code is missing")),
        };
        let iss = params.one("iss")?.map(str::to_owned);
        Ok((LoginState::presented(state), answer, iss))
    }
}

/// The callback of a browser that returns from the login provider.
#[derive(Debug)]
pub struct ProviderReturn {
    /// The name of the provider whose callback this is.
    pub provider: String,
    /// The `state` that the provider returned.
    pub state: LoginState,
    /// The answer of the provider.
    pub answer: ProviderAnswer,
    /// The issuer in the answer (RFC 9207).
    pub iss: Option<String>,
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
        let state = match back.pending.as_ref().map(|sealed| self.pending.open(sealed, browser)) {
            Some(Opened::Valid(state)) => state,
            other => return self.return_late(other, &back.state, browser).await,
        };
        let step = Step::of_callback(&back.state);
        match state.call_back(&back.provider, &back.state).map_err(|NotAwaited| expired())? {
            CalledBack::Returned(returned) => {
                let answer = (back.answer, back.iss.as_deref());
                self.finish_provider_login(returned, answer, &step, browser).await
            }
            CalledBack::PageOpen(pending) => {
                self.show_again(*pending, Remark::Interrupted, browser).await
            }
        }
    }

    /// Finishes the login with the `answer` of the provider.
    async fn finish_provider_login(
        &self,
        Returned { consented, login }: Returned,
        (answer, iss): (ProviderAnswer, Option<&str>),
        step: &Step,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        let request = &consented.pending().request;
        // Checked before the request to the provider, and again after all writes.
        let stands = self.core.store.grants.stands(login.generation, None, request).await;
        if !stands.map_err(|error| AuthorizeError::Page(error.into()))? {
            return Err(expired());
        }
        let name = login.provider.as_str();
        let asked = async {
            let provider = self.core.provider(name)?;
            let checked = provider.check_issuer(iss).await;
            checked.map_err(|error| self.login_failed(name, error, (request, browser)))?;
            Ok((provider, self.code_of(answer, name, provider, (request, browser))?))
        };
        let (provider, code) = match asked.await {
            Ok(asked) => asked,
            Err(error) => {
                return Err(self.requests.refuse(request, error, &step.id, &browser.caller).await);
            }
        };
        let begun = self.pending.begin_step(step, browser, Some(login.generation)).await;
        let turn = match begun.map_err(AuthorizeError::Page)? {
            Begun::Answered(outcome) => return Ok(Next::Done(outcome)),
            Begun::Turn(turn) => turn,
        };
        let access = self.core.access();
        let seen = provider.identify((&code, iss), &login.verifier, access.wanted(name)).await;
        let seen = seen.map_err(|error| self.login_failed(name, error, (request, browser)));
        let arrival = match seen {
            Ok(sighting) => {
                People::of(&self.core).note_login(&sighting, Some(&request.client_id)).await
            }
            Err(error) => Err(error),
        };
        let done = self.finish_by(&consented, arrival, ready(Ok(true)), &turn).await;
        self.pending.end_turn(&turn).await;
        match done {
            Ok(outcome) => outcome.map(Next::Done).ok_or_else(expired),
            Err(Error::NotAllowed(name)) => {
                self.show_refused(consented.again(), name, browser).await
            }
            Err(error) => {
                Err(self.requests.refuse(request, error, &step.id, &browser.caller).await)
            }
        }
    }

    /// Counts and notes a failed login, and returns its error.
    fn login_failed(
        &self,
        provider: &str,
        error: ProviderError,
        (request, browser): (&AuthorizationRequest, &BrowserContext),
    ) -> Error {
        self.core.metrics.login(provider, "failed");
        let error = provider_error(error);
        let (outcome, reason) = match error {
            Error::LoginRefused(..) => (Outcome::Denied, format!("refused by {provider}")),
            _ => (Outcome::Failed, format!("{provider} failed")),
        };
        self.core.tell_login((None, request), &browser.caller, (outcome, &reason));
        error
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
        let pending = match opened {
            Some(Opened::Late(state)) => state.into_pending(),
            Some(Opened::Foreign(pending)) => *pending,
            _ => return Err(expired()),
        };
        self.show_again(pending, Remark::Interrupted, browser).await
    }

    /// Returns the code in the answer of the provider, and counts failed logins.
    fn code_of(
        &self,
        answer: ProviderAnswer,
        name: &str,
        provider: &LoginProvider,
        (request, browser): (&AuthorizationRequest, &BrowserContext),
    ) -> Result<String, Error> {
        match answer {
            ProviderAnswer::Code(code) => Ok(code),
            ProviderAnswer::Denied => {
                self.core.metrics.login(name, "declined");
                let reason = format!("declined at {name}");
                let told = (Outcome::Denied, reason.as_str());
                self.core.tell_login((None, request), &browser.caller, told);
                Err(Error::AccessDenied("the login was declined"))
            }
            ProviderAnswer::Failed(error) => {
                let error = provider.answer_error(&error);
                Err(self.login_failed(name, error, (request, browser)))
            }
        }
    }
}

/// Maps an error of the login provider to its cause: the person, the operator or the provider.
pub(in crate::oauth) fn provider_error(error: ProviderError) -> Error {
    match error.blame() {
        Blame::Person(told) => Error::LoginRefused(told, error),
        Blame::Operator => Error::ProviderSetup(error),
        Blame::Provider => Error::Provider(error),
    }
}

/// Returns the error page for an unusable callback.
fn expired() -> AuthorizeError {
    AuthorizeError::Page(Error::Step(StepFault::LoginExpired))
}
