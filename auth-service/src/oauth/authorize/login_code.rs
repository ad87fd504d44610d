//! Login with a code from the operator.

use gateway_contract::audit::Outcome;

use super::{
    flow_state::Consented,
    idempotency::{TURN, Turn},
};
use crate::{
    model::LoginCode,
    oauth::{
        AuthorizationOutcome, BrowserContext, ConsentFlow, Error, Next, Remark,
        rate_limits::LOGIN_CODE_TRIES,
    },
};

impl ConsentFlow {
    /// Completes the flow as the person of `code`, or shows the page again if the code is wrong.
    pub(super) async fn log_in_locally(
        &self,
        consented: &Consented,
        code: &LoginCode,
        browser: &BrowserContext,
        turn: &Turn,
    ) -> Result<Next, Error> {
        if !self.core.config.local_login {
            return Err(Error::AccessDenied("login codes are disabled"));
        }
        if let Some(outcome) = self.use_login_code(consented, code, turn).await? {
            return Ok(Next::Done(outcome));
        }
        self.core.metrics.login("local", "wrong_code");
        let told = (Outcome::Denied, "wrong login code");
        self.core.tell_login((None, &consented.pending().request), &turn.caller, told);
        // Only wrong codes count. The counters are shared, so counting all requests would let a
        // flood lock people out.
        let pending = consented.pending();
        if self.core.count_wrong_code(&pending.id).await? >= LOGIN_CODE_TRIES {
            return Err(Error::AccessDenied("too many wrong login codes"));
        }
        let mut page = self.consent_page(pending.clone(), browser).await?;
        page.remark = Some(Remark::WrongCode);
        Ok(Next::Page(Box::new(page)))
    }

    /// Consumes `code` and completes the flow. Returns `None` if the code is unknown, or in use by
    /// another flow. A login that fails leaves the code usable.
    async fn use_login_code(
        &self,
        consented: &Consented,
        code: &LoginCode,
        turn: &Turn,
    ) -> Result<Option<AuthorizationOutcome>, Error> {
        let (logins, now) = (&self.core.store.logins, self.core.now());
        let Some(user) = logins.login_code(code, now).await? else { return Ok(None) };
        if !logins.lock_login_code(code, (now, now.plus(TURN))).await? {
            return Ok(None);
        }
        let taken = async { Ok(logins.take_login_code(code, self.core.now()).await?.is_some()) };
        let done = self.finish_by(consented, Ok(user.into()), taken, turn).await;
        if done.is_err() {
            logins.unlock_login_code(code).await?;
        }
        done
    }
}
