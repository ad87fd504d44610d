//! Login sessions.
//!
//! A person stays logged in for some time, so that connecting a second server needs no second login.

use gateway_contract::audit::EventKind;

use crate::{
    model::{
        AuthorizationRequest, BrowserSession, Caller, Fingerprint, Generation, LoginSession,
        SessionRecord, SignInPlace, User,
    },
    oauth::{
        Error, People, Sessions,
        people::{Admission, Arrival, Checked},
    },
};

/// The browser of a request: its cookies and its login session.
#[derive(Clone, Debug)]
pub struct BrowserContext {
    /// The browser cookie that binds the steps of a new flow.
    pub session: BrowserSession,
    /// The browser cookies that bind earlier flows.
    ///
    /// A new browser that opens several tabs at once gets one cookie per tab.
    pub other_sessions: Vec<BrowserSession>,
    /// `true` if an account was denied in this browser. The login provider would select it again.
    pub was_refused: bool,
    /// The cookie of the login session, if present.
    pub login: Option<LoginSession>,
    /// The sender of the request.
    pub caller: Caller,
    /// `true` if the person or a page of this server started the navigation, rather than another site
    /// (`Sec-Fetch-Site`).
    pub is_own_navigation: bool,
}

impl BrowserContext {
    /// Returns `true` if `browser` is the fingerprint of one of the browser cookies.
    pub(in crate::oauth) fn is(&self, browser: &Fingerprint) -> bool {
        let mut sessions = std::iter::once(&self.session).chain(&self.other_sessions);
        sessions.any(|session| browser.matches(&session.fingerprint()))
    }
}

impl Sessions {
    /// Returns the logged-in person, if the policy allows them `request`.
    ///
    /// Returns `None` otherwise, so that another person can log in.
    pub(in crate::oauth) async fn logged_in(
        &self,
        browser: &BrowserContext,
        request: &AuthorizationRequest,
    ) -> Result<Option<User>, Error> {
        match self.session_user(browser).await? {
            Some(user) if self.may_have(&user, request).await? => Ok(Some(user)),
            _ => Ok(None),
        }
    }

    /// Returns `true` if `user` may log in and use all servers of `request`.
    ///
    /// Nothing is granted by facts whose check is due and did not succeed.
    pub(in crate::oauth) async fn may_have(
        &self,
        user: &User,
        request: &AuthorizationRequest,
    ) -> Result<bool, Error> {
        Ok(self.admission(user, request).await?.is_allowed())
    }

    /// Returns the answer of the access policy about `user` and `request`, like [`Self::may_have`].
    pub(in crate::oauth) async fn admission(
        &self,
        user: &User,
        request: &AuthorizationRequest,
    ) -> Result<Admission, Error> {
        if People::of(&self.core).check_if_due(&user.subject).await? != Checked::Done {
            return Ok(Admission::Unknown);
        }
        self.core.admission(user, Some(&request.client_id), &request.resources).await
    }

    /// Returns the logged-in person, regardless of the policy.
    pub(in crate::oauth) async fn session_user(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<User>, Error> {
        let Some(cookie) = &browser.login else { return Ok(None) };
        let record = self.core.store.logins.session(cookie, self.core.now()).await?;
        Ok(record.map(|record| record.user))
    }

    /// Stores a login session of the person who has logged in under `cookie`.
    ///
    /// The cookie must be new, because one from before the login could be known to an attacker (session
    /// fixation). Returns the cookie, or `None` if login sessions are disabled.
    pub(in crate::oauth) async fn log_in(
        &self,
        arrival: &Arrival,
        (cookie, generation): (&LoginSession, Generation),
        caller: &Caller,
    ) -> Result<Option<LoginSession>, Error> {
        let logged_in =
            self.core.draft(EventKind::LoginCompleted).actor(&arrival.user).from(caller);
        let Some(life) = self.core.config.lifetimes.login_session else {
            self.core.store.audit.tell(logged_in);
            return Ok(None);
        };
        let now = self.core.now();
        let Arrival { user, provider_session } = arrival.clone();
        let place = Some(SignInPlace::of(caller, now));
        let record =
            SessionRecord { user, provider_session, place, generation, expires_at: now.plus(life) };
        let entry = self.core.entry(logged_in);
        self.core.store.logins.put_session(cookie, &record, now, entry.as_ref()).await?;
        Ok(Some(cookie.clone()))
    }
}
