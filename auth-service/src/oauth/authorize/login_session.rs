//! A person stays logged in at this server for a while, so that their second server costs one click
//! and not one more login.

use crate::{
    model::{AuthorizationRequest, BrowserSession, Fingerprint, LoginSession, SessionRecord, User},
    oauth::{Error, Sessions},
};

/// Who asks: the browser, and the person who is logged in in it.
#[derive(Debug)]
pub struct Visitor {
    /// Binds the steps of a flow that begins now.
    pub browser: BrowserSession,
    /// Bind earlier flows: tabs that a new browser opened at the same time have one each.
    pub others: Vec<BrowserSession>,
    /// Whether an account was refused in this browser, which the login provider would take again.
    pub was_refused: bool,
    /// The cookie of a login.
    pub login: Option<LoginSession>,
    /// Whether the person or a page of this server began the navigation, and not another site
    /// (`Sec-Fetch-Site`).
    pub came_by_themselves: bool,
}

impl Visitor {
    /// Returns `true` if `browser` is this one.
    pub(in crate::oauth) fn is(&self, browser: &Fingerprint) -> bool {
        let mut sessions = std::iter::once(&self.browser).chain(&self.others);
        sessions.any(|session| browser.matches(&session.fingerprint()))
    }
}

impl Sessions {
    /// The person who is logged in, if they may have what is asked for: somebody else may log in
    /// instead.
    pub(in crate::oauth) async fn logged_in(
        &self,
        visitor: &Visitor,
        request: &AuthorizationRequest,
    ) -> Result<Option<User>, Error> {
        let user = self.session_user(visitor).await?;
        Ok(user.filter(|user| self.may_have(user, request)))
    }

    /// Returns `true` if `user` may have all that `request` asks for.
    pub(in crate::oauth) fn may_have(&self, user: &User, request: &AuthorizationRequest) -> bool {
        self.core.may_log_in(user) && self.core.may_use(user, &request.resources)
    }

    /// The person who is logged in, whatever they may use.
    pub(in crate::oauth) async fn session_user(
        &self,
        visitor: &Visitor,
    ) -> Result<Option<User>, Error> {
        let Some(cookie) = &visitor.login else { return Ok(None) };
        let record = self.core.store.session(cookie, self.core.now()).await?;
        Ok(record.map(|record| record.user))
    }

    /// Remembers that `user` is logged in under `cookie`, which is a fresh one: one that was there
    /// before the login may be known to somebody else. Returns it, unless logins do not last.
    pub(in crate::oauth) async fn log_in(
        &self,
        user: &User,
        cookie: &LoginSession,
    ) -> Result<Option<LoginSession>, Error> {
        let Some(life) = self.core.config.lifetimes.login_session else { return Ok(None) };
        let now = self.core.now();
        let record = SessionRecord { user: user.clone(), expires_at: now.plus(life) };
        self.core.store.put_session(cookie, &record, now).await?;
        Ok(Some(cookie.clone()))
    }
}
