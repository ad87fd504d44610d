//! Idempotency of the final steps of a flow.
//!
//! A browser can repeat a decision or a callback if the response was lost. It gets the same outcome
//! for one minute.

use std::time::Duration;

use super::outcome::target;
use crate::{
    model::{
        AnswerRecord, AuthorizationCode, Caller, CsrfToken, Fingerprint, Generation, Identifier,
        LoginSession, LoginState, PendingAuthorization, RandomError, User,
    },
    oauth::{AuthorizationOutcome, BrowserContext, Error, Pending, derived::derive},
};

/// The time that the outcome of a step can be repeated.
const KEPT: Duration = Duration::from_mins(1);

/// The time that a request may hold the claim to a step.
///
/// It is longer than the timeout of the login provider.
pub(in crate::oauth) const TURN: Duration = Duration::from_secs(30);

/// The polling interval while another request processes the same step.
const POLL: Duration = Duration::from_millis(50);

/// A final step of a flow.
pub(in crate::oauth) struct Step {
    /// The identifier of the step in the store.
    pub(in crate::oauth) id: Fingerprint,
    /// The secret that the browser presents. It is never stored.
    secret: String,
}

impl Step {
    /// Creates the step of a consent form. `decision` identifies the button.
    pub(in crate::oauth) fn of_form(
        pending: &PendingAuthorization,
        csrf: &CsrfToken,
        decision: &str,
    ) -> Self {
        let form = csrf.fingerprint();
        let parts = ["form", pending.id.as_str(), form.as_str(), decision];
        Self { id: Fingerprint::of(&parts.join("\n")), secret: csrf.reveal().to_owned() }
    }

    /// Creates the step of a callback from the login provider.
    pub(in crate::oauth) fn of_callback(state: &LoginState) -> Self {
        let login = state.fingerprint();
        let parts = ["callback", login.as_str()];
        Self { id: Fingerprint::of(&parts.join("\n")), secret: state.reveal().to_owned() }
    }

    fn code(&self, salt: &str) -> AuthorizationCode {
        AuthorizationCode::presented(derive(&format!("code\n{}", self.secret), salt))
    }

    fn login(&self, salt: &str) -> LoginSession {
        LoginSession::presented(derive(&format!("login\n{}", self.secret), salt))
    }
}

/// The exclusive claim to process a step, with the credentials that its outcome may issue.
pub(in crate::oauth) struct Turn {
    step: Fingerprint,
    salt: String,
    /// The generation of what the outcome grants, from before anything that it rests on was checked.
    pub(in crate::oauth) generation: Generation,
    /// The authorization code for the client.
    pub(in crate::oauth) code: AuthorizationCode,
    /// The login cookie for the browser.
    pub(in crate::oauth) login: LoginSession,
    /// The sender of the request.
    pub(in crate::oauth) caller: Caller,
}

impl Turn {
    fn at(step: &Step, generation: Generation, caller: Caller) -> Result<Self, RandomError> {
        let salt = Identifier::generate()?.to_string();
        let (code, login) = (step.code(&salt), step.login(&salt));
        Ok(Self { step: step.id.clone(), salt, generation, code, login, caller })
    }

    /// Creates a turn that cannot be repeated, for requests without a single-use secret.
    pub(in crate::oauth) fn alone(
        generation: Generation,
        caller: Caller,
    ) -> Result<Self, RandomError> {
        let (step, salt) = (Identifier::generate()?, Identifier::generate()?);
        Ok(Self {
            step: Fingerprint::of(step.as_str()),
            salt: salt.to_string(),
            generation,
            code: AuthorizationCode::generate()?,
            login: LoginSession::generate()?,
            caller,
        })
    }

    /// Returns the identifier of the claimed step.
    pub(in crate::oauth) const fn step(&self) -> &Fingerprint {
        &self.step
    }
}

/// The result of starting a step.
pub(in crate::oauth) enum Begun {
    /// The step was completed recently, with this outcome.
    Answered(AuthorizationOutcome),
    /// The caller must process the step, and must end the turn even after an error.
    Turn(Turn),
}

impl Pending {
    /// Claims `step`, or waits while another request of any instance processes it.
    ///
    /// `consented` is the generation of a consent that an earlier step was about. Returns [`Error::Busy`] if
    /// the wait takes longer than [`TURN`].
    pub(in crate::oauth) async fn begin_step(
        &self,
        step: &Step,
        browser: &BrowserContext,
        consented: Option<Generation>,
    ) -> Result<Begun, Error> {
        let generation = match consented {
            Some(generation) => generation,
            None => self.core.store.grants.generation().await?,
        };
        let turn = Turn::at(step, generation, browser.caller.clone())?;
        let mut waited = Duration::ZERO;
        while waited < TURN {
            let now = self.core.now();
            if self.core.store.logins.claim_step(&step.id, (now, now.plus(TURN))).await? {
                let answered = match self.answered(step, browser).await {
                    Ok(None) => return Ok(Begun::Turn(turn)),
                    Ok(Some(outcome)) => Ok(Begun::Answered(outcome)),
                    Err(error) => Err(error),
                };
                self.end_turn(&turn).await;
                return answered;
            }
            tokio::time::sleep(POLL).await;
            waited += POLL;
        }
        Err(Error::Busy)
    }

    /// Releases the claim to the step.
    pub(in crate::oauth) async fn end_turn(&self, turn: &Turn) {
        if let Err(error) = self.core.store.logins.release_step(&turn.step).await {
            log::warn!("login step not released, claimed for up to {} s: {error}", TURN.as_secs());
        }
    }

    /// Stores the `outcome` of `turn`, in which `user` allowed the `pending` authorization.
    pub(in crate::oauth) async fn keep_answer(
        &self,
        turn: &Turn,
        pending: &PendingAuthorization,
        user: &User,
        outcome: &AuthorizationOutcome,
    ) {
        let now = self.core.now();
        let record = AnswerRecord {
            browser: pending.browser.clone(),
            salt: turn.salt.clone(),
            request: pending.request.clone(),
            user: user.clone(),
            logged_in: outcome.login.is_some(),
            generation: turn.generation,
            expires_at: now.plus(KEPT),
        };
        // The response is still delivered, so a failure to store it is only logged.
        if let Err(error) = self.core.store.logins.put_answer(&turn.step, &record, now).await {
            log::warn!("login outcome not stored, it cannot be repeated: {error}");
        }
    }

    /// Returns the stored outcome of `step`, if the same browser completed it recently.
    pub(in crate::oauth) async fn answered(
        &self,
        step: &Step,
        browser: &BrowserContext,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let record = self.core.store.logins.answer(&step.id, self.core.now()).await?;
        let Some(record) = record.filter(|record| browser.is(&record.browser)) else {
            return Ok(None);
        };
        log::info!(target: "audit", subject = record.user.subject,
            client:% = record.request.client_id; "login outcome repeated");
        let target =
            target(&self.core.config.issuer, &record.request.reply, &step.code(&record.salt))?;
        let login = record.logged_in.then(|| step.login(&record.salt));
        Ok(Some(AuthorizationOutcome { target, login }))
    }
}
