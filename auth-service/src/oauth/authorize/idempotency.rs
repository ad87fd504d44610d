//! Idempotency of the steps that end a flow. A decision or a callback that the same browser sends
//! again within a minute, because its answer was lost, gets the same answer.

use std::time::Duration;

use super::outcome::target;
use crate::{
    model::{
        AnswerRecord, AuthorizationCode, CsrfToken, Fingerprint, Identifier, LoginSession,
        LoginState, PendingAuthorization, RandomError, User,
    },
    oauth::{AuthorizationOutcome, Error, Pending, Visitor, derived::derive},
};

/// How long an answer is repeated.
const KEPT: Duration = Duration::from_mins(1);

/// How long one request may answer a step before another one may: longer than the login provider may
/// take.
pub(in crate::oauth) const TURN: Duration = Duration::from_secs(30);

/// How often a request looks whether another one has answered its step.
const POLL: Duration = Duration::from_millis(50);

/// A step that ends a flow.
pub(in crate::oauth) struct Step {
    /// Its name in the store.
    pub(in crate::oauth) id: Fingerprint,
    /// What the browser presents, and the store never has.
    secret: String,
}

impl Step {
    /// The step of a form: `decision` tells its buttons apart.
    pub(in crate::oauth) fn of_form(
        pending: &PendingAuthorization,
        csrf: &CsrfToken,
        decision: &str,
    ) -> Self {
        let form = csrf.fingerprint();
        let parts = ["form", pending.id.as_str(), form.as_str(), decision];
        Self { id: Fingerprint::of(&parts.join("\n")), secret: csrf.reveal().to_owned() }
    }

    /// The step of a return from the login provider.
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

/// The right to answer a step, and what the answer may give out.
pub(in crate::oauth) struct Turn {
    step: Fingerprint,
    salt: String,
    /// The code for the client.
    pub(in crate::oauth) code: AuthorizationCode,
    /// The cookie of the person.
    pub(in crate::oauth) login: LoginSession,
}

impl Turn {
    fn at(step: &Step) -> Result<Self, RandomError> {
        let salt = Identifier::generate()?.to_string();
        let (code, login) = (step.code(&salt), step.login(&salt));
        Ok(Self { step: step.id.clone(), salt, code, login })
    }

    /// A turn that nobody can repeat: the browser presented nothing that is used once.
    pub(in crate::oauth) fn alone() -> Result<Self, RandomError> {
        let (step, salt) = (Identifier::generate()?, Identifier::generate()?);
        Ok(Self {
            step: Fingerprint::of(step.as_str()),
            salt: salt.to_string(),
            code: AuthorizationCode::generate()?,
            login: LoginSession::generate()?,
        })
    }

    /// The name of the step.
    pub(in crate::oauth) const fn step(&self) -> &Fingerprint {
        &self.step
    }
}

/// How a step begins.
pub(in crate::oauth) enum Begun {
    /// It was answered a moment ago, with this.
    Answered(AuthorizationOutcome),
    /// The caller answers it, and ends the turn in any case.
    Turn(Turn),
}

impl Pending {
    /// Begins `step`. If another request, here or at another instance, is answering it, waits for that.
    pub(in crate::oauth) async fn begin_step(
        &self,
        step: &Step,
        visitor: &Visitor,
    ) -> Result<Begun, Error> {
        let turn = Turn::at(step)?;
        let mut waited = Duration::ZERO;
        while waited < TURN {
            let now = self.core.now();
            if self.core.store.claim_step(&step.id, (now, now.plus(TURN))).await? {
                let answered = match self.answered(step, visitor).await {
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

    /// Lets other requests have the step.
    pub(in crate::oauth) async fn end_turn(&self, turn: &Turn) {
        if let Err(error) = self.core.store.release_step(&turn.step).await {
            log::warn!("a step of a login stays claimed for {} s: {error}", TURN.as_secs());
        }
    }

    /// Keeps the answer of `turn`, by which `user` allowed what is `pending`.
    pub(in crate::oauth) async fn keep_answer(
        &self,
        turn: &Turn,
        pending: &PendingAuthorization,
        (user, logged_in): (&User, bool),
    ) {
        let now = self.core.now();
        let record = AnswerRecord {
            browser: pending.browser.clone(),
            salt: turn.salt.clone(),
            request: pending.request.clone(),
            user: user.clone(),
            logged_in,
            expires_at: now.plus(KEPT),
        };
        // The person has the answer, or is about to: not being able to repeat it is no reason to fail.
        if let Err(error) = self.core.store.put_answer(&turn.step, &record, now).await {
            log::warn!("the answer of a login cannot be repeated: {error}");
        }
    }

    /// The answer that was given to `step` a moment ago, in the same browser.
    pub(in crate::oauth) async fn answered(
        &self,
        step: &Step,
        visitor: &Visitor,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let record = self.core.store.answer(&step.id, self.core.now()).await?;
        let Some(record) = record.filter(|record| visitor.is(&record.browser)) else {
            return Ok(None);
        };
        log::info!(target: "audit", subject = record.user.subject,
            client:% = record.request.client_id; "the answer of a login is given again");
        let target =
            target(&self.core.config.issuer, &record.request.reply, &step.code(&record.salt))?;
        let login = record.logged_in.then(|| step.login(&record.salt));
        Ok(Some(AuthorizationOutcome { target, login }))
    }
}
