//! Sign-ins without a client, for the pages of this server. Nothing is stored before they succeed: the pending sign-in
//! is sealed into the browser.

use std::time::Duration;

use gateway_contract::audit::EventKind;
use serde::{Deserialize, Serialize};

use super::{return_path::ReturnPath, viewer::is_same};
use crate::{
    model::{
        Fingerprint, Generation, Identifier, LoginCode, LoginSession, LoginState, NoMarks, Prompt,
        ProviderLogin, SealedAuthorization, UnixTime,
    },
    oauth::{
        Accounts, BrowserContext, Core, Error, LoginWays, People, ProviderAnswer, ProviderVisit,
        authorize::login::provider_error,
        people::{Admission, Arrival},
        rate_limits::LOGIN_CODE_TRIES,
    },
    upstream::LoginStart,
};

/// The time that a person may take at the login provider.
const STEP: Duration = Duration::from_mins(10);

/// The time for which a login code is locked while it is used.
const LOCK: Duration = Duration::from_secs(30);

/// The purpose that the sealing key is bound to.
pub const SEAL: &str = "sign-in";

/// A sign-in whose person is at the login provider.
#[derive(Debug, Serialize, Deserialize)]
pub struct PendingSignIn {
    browser: Fingerprint,
    login: ProviderLogin,
    return_to: ReturnPath,
    expires_at: UnixTime,
}

/// The callback of a browser that returns to a sign-in.
#[derive(Debug)]
pub struct SignInReturn {
    /// The name of the provider whose callback this is.
    pub provider: String,
    /// The `state` that the provider returned.
    pub state: LoginState,
    /// The answer of the provider.
    pub answer: ProviderAnswer,
    /// The issuer in the answer (RFC 9207).
    pub iss: Option<String>,
}

/// A completed sign-in.
#[derive(Debug)]
pub struct SignedIn {
    /// The new cookie.
    pub login: LoginSession,
    /// The page to show next.
    pub return_to: ReturnPath,
}

impl Core {
    /// Returns the login methods of this server.
    #[must_use]
    pub fn ways(&self) -> LoginWays {
        LoginWays { providers: self.login_ways(), local: self.config.local_login }
    }

    /// Returns the CSRF token of the sign-in form of a browser.
    #[must_use]
    pub fn sign_in_csrf(&self, browser: &BrowserContext) -> String {
        self.csrf("sign-in", browser.session.reveal())
    }

    /// Returns `true` if the sign-in form of this browser returned `csrf`.
    #[must_use]
    pub fn is_own_sign_in_form(&self, browser: &BrowserContext, csrf: &str) -> bool {
        let mut sessions = std::iter::once(&browser.session).chain(&browser.other_sessions);
        sessions.any(|session| is_same(&self.csrf("sign-in", session.reveal()), csrf))
    }
}

impl Accounts {
    /// Sends the person to the login provider `name`.
    pub async fn start_sign_in(
        &self,
        name: &str,
        (return_to, prompt): (ReturnPath, Prompt),
        browser: &BrowserContext,
    ) -> Result<ProviderVisit, Error> {
        let provider = self.core.provider(name)?;
        People::of(&self.core).check_origin(name, provider).await?;
        let state = LoginState::generate()?;
        let access = self.core.access();
        let started = provider.start(state.reveal(), prompt, access.wanted(name)).await;
        let LoginStart { url, verifier } = started.map_err(provider_error)?;
        let pending = PendingSignIn {
            browser: browser.session.fingerprint(),
            login: ProviderLogin {
                provider: provider.name().clone(),
                state: state.fingerprint(),
                verifier,
                generation: self.core.store.grants.generation().await?,
                revocations: NoMarks::default(),
            },
            return_to,
            expires_at: self.core.now().plus(STEP),
        };
        let sealed = self.core.sign_in_seal.close(&pending)?;
        Ok(ProviderVisit { url, state, pending: SealedAuthorization::presented(sealed) })
    }

    /// Returns the pending sign-in that a browser returned, or `None` if it is something else.
    #[must_use]
    pub fn pending_sign_in(&self, sealed: &SealedAuthorization) -> Option<PendingSignIn> {
        self.core.sign_in_seal.open(sealed.reveal())
    }

    /// Finishes a sign-in at the provider. Like a login of a client, it is bound to the browser that began it.
    pub async fn finish_sign_in(
        &self,
        pending: PendingSignIn,
        back: SignInReturn,
        browser: &BrowserContext,
    ) -> Result<SignedIn, Error> {
        let PendingSignIn { browser: own, login, return_to, expires_at } = pending;
        let is_awaited = browser.is(&own)
            && self.core.now() < expires_at
            && login.provider.as_str() == back.provider
            && login.state.matches(&back.state.fingerprint());
        if !is_awaited {
            return Err(EXPIRED);
        }
        let (name, iss) = (login.provider.as_str(), back.iss.as_deref());
        let provider = self.core.provider(name)?;
        let failed = |error| {
            self.core.metrics.login(name, "failed");
            let failed = self.core.draft(EventKind::LoginCompleted).from(&browser.caller);
            self.core.store.audit.tell(failed.failed(name));
            provider_error(error)
        };
        provider.check_issuer(iss).await.map_err(failed)?;
        let code = match back.answer {
            ProviderAnswer::Code(code) => code,
            ProviderAnswer::Denied => {
                self.core.metrics.login(name, "declined");
                return Err(Error::AccessDenied("the login was declined"));
            }
            ProviderAnswer::Failed(error) => return Err(failed(provider.answer_error(&error))),
        };
        let access = self.core.access();
        let seen = provider.identify((&code, iss), &login.verifier, access.wanted(name)).await;
        let arrival = People::of(&self.core).note_login(&seen.map_err(failed)?, None).await?;
        let login = self.sign_in(&arrival, login.generation, browser).await?;
        Ok(SignedIn { login, return_to })
    }

    /// Signs in with a code of the operator. Returns `None` if the code is wrong, used or expired.
    pub async fn sign_in_with_code(
        &self,
        code: &LoginCode,
        return_to: ReturnPath,
        browser: &BrowserContext,
    ) -> Result<Option<SignedIn>, Error> {
        if !self.core.config.local_login {
            return Err(Error::AccessDenied("login codes are disabled"));
        }
        let (logins, now) = (&self.core.store.logins, self.core.now());
        let generation = self.core.store.grants.generation().await?;
        let Some(user) = logins.login_code(code, now).await? else {
            self.core.metrics.login("local", "wrong_code");
            let flow = Identifier::parsed(browser.session.fingerprint().as_str());
            if self.core.count_wrong_code(&flow).await? >= LOGIN_CODE_TRIES {
                return Err(Error::AccessDenied("too many wrong login codes"));
            }
            return Ok(None);
        };
        if !logins.lock_login_code(code, (now, now.plus(LOCK))).await? {
            return Ok(None);
        }
        let arrival = Arrival::from(user);
        let login = match self.admit_to_pages(&arrival, browser).await {
            // The policy refused the person, whose code stays usable.
            Err(error) => Err(error),
            Ok(()) if logins.take_login_code(code, self.core.now()).await?.is_none() => {
                return Ok(None);
            }
            Ok(()) => self.sign_in(&arrival, generation, browser).await,
        };
        match login {
            Ok(login) => Ok(Some(SignedIn { login, return_to })),
            Err(error) => {
                logins.unlock_login_code(code).await?;
                Err(error)
            }
        }
    }

    /// Fails unless the policy allows the person to log in.
    async fn admit_to_pages(
        &self,
        arrival: &Arrival,
        browser: &BrowserContext,
    ) -> Result<(), Error> {
        let user = &arrival.user;
        let outcome = self.core.admission(user, None, &[]).await?;
        let told = if outcome.is_allowed() { "granted" } else { "refused" };
        self.core.metrics.login(user.person().provider(), told);
        match outcome {
            Admission::Allowed { .. } => Ok(()),
            Admission::Denied => {
                let denied = self.core.draft(EventKind::LoginCompleted).actor(user);
                self.core.store.audit.tell(denied.from(&browser.caller).denied("policy"));
                Err(Error::NotAllowed(user.name.clone()))
            }
            Admission::Unknown => Err(Error::FactsUnknown),
        }
    }

    /// Stores the login session, in place of an earlier one of the browser.
    async fn sign_in(
        &self,
        arrival: &Arrival,
        generation: Generation,
        browser: &BrowserContext,
    ) -> Result<LoginSession, Error> {
        self.admit_to_pages(arrival, browser).await?;
        let cookie = LoginSession::generate()?;
        let stored = self.sessions.log_in(arrival, (&cookie, generation), &browser.caller).await?;
        let login = stored.ok_or(Error::AccessDenied("login sessions are turned off"))?;
        let logins = &self.core.store.logins;
        // A revocation in the meantime ends the new session with what it rests on.
        if logins.session(&login, self.core.now()).await?.is_none() {
            return Err(EXPIRED);
        }
        if let Some(earlier) = &browser.login {
            logins.end_session(&earlier.fingerprint(), None).await?;
        }
        Ok(login)
    }
}

/// The error for a callback that no sign-in of this browser awaits.
const EXPIRED: Error = Error::InvalidRequest(
    "this sign-in has expired or was started in another browser; start again",
);
