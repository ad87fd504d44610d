//! The first step of a flow: the consent page, or an immediate outcome without a page.

use super::{flow_state::Started, idempotency::Turn, request::CheckedRequest};
use crate::{
    model::{Generation, Prompt, User},
    oauth::{
        AuthorizationOutcome, AuthorizeError, BrowserContext, ConsentFlow, Error, Next, Params,
    },
};

impl ConsentFlow {
    /// Starts the flow of an authorization request.
    pub async fn begin(
        &self,
        params: &Params,
        browser: &BrowserContext,
    ) -> Result<Next, AuthorizeError> {
        let CheckedRequest { request, client, prompt } =
            match self.requests.check_request(params).await {
                Ok(checked) => checked,
                Err(refused) => return Err(self.requests.refuse_unseen(refused, browser).await),
            };
        let flow = self.pending.start(request, &client, prompt, browser);
        let flow = flow.map_err(AuthorizeError::Page)?;
        match self.first_step(&flow, browser).await {
            Ok(next) => Ok(next),
            Err(error) => {
                let request = &flow.pending().request;
                Err(self.requests.refuse_unasked(request, &client, error, browser).await)
            }
        }
    }

    async fn first_step(&self, flow: &Started, browser: &BrowserContext) -> Result<Next, Error> {
        if let Some(outcome) = self.skip_page(flow, browser).await? {
            return Ok(Next::Done(outcome));
        }
        let pending = flow.pending();
        if pending.prompt == Prompt::None {
            return match self.sessions.logged_in(browser, &pending.request).await? {
                Some(_) => Err(Error::ConsentRequired),
                None => Err(Error::LoginRequired),
            };
        }
        self.page(pending.clone(), browser).await
    }

    /// Ends the flow without showing the consent page, or returns `None` if the page is needed.
    ///
    /// The page is skipped if the logged-in person consented to the same request before, and the browser
    /// reports that no other site started the navigation.
    async fn skip_page(
        &self,
        flow: &Started,
        browser: &BrowserContext,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let pending = flow.pending();
        if !matches!(pending.prompt, Prompt::Needed | Prompt::None) {
            return Ok(None);
        }
        // From before the login and the consent are checked.
        let generation = self.core.store.grants.generation().await?;
        match self.sessions.logged_in(browser, &pending.request).await? {
            Some(user) if self.sessions.remembers_consent(&user, &pending.request).await? => {
                if browser.is_own_navigation {
                    self.admit_unasked(flow, user, generation, browser).await
                } else if pending.prompt == Prompt::None {
                    Err(Error::InteractionRequired)
                } else {
                    Ok(None)
                }
            }
            _ => Ok(None),
        }
    }

    /// Issues a code without showing the consent page.
    ///
    /// Returns `None` if the remembered consent or the login, which were checked in `generation`, was
    /// revoked concurrently. The code is revoked then, too.
    async fn admit_unasked(
        &self,
        flow: &Started,
        user: User,
        generation: Generation,
        browser: &BrowserContext,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let consented = flow.consented_before();
        let turn = Turn::alone(generation, browser.caller.clone())?;
        let target = self.admit(&consented, user.clone(), (&turn, Some("remembered"))).await?;
        let request = &consented.pending().request;
        let stands = self.sessions.logged_in(browser, request).await?.is_some()
            && self.sessions.remembers_consent(&user, request).await?;
        Ok(stands.then_some(AuthorizationOutcome { target, login: None }))
    }
}
