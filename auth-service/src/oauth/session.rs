//! A person stays logged in at this server for a while, so that their second server costs one click
//! and not one more login.

use super::{AuthServer, Error};
use crate::model::{AuthorizationRequest, BrowserSession, LoginSession, SessionRecord, User};

/// Who asks: the browser, and the person who is logged in in it.
#[derive(Debug)]
pub struct Visitor {
    /// Binds the steps of one flow.
    pub browser: BrowserSession,
    /// The cookie of a login.
    pub login: Option<LoginSession>,
    /// Whether the person or a page of this server began the navigation, and not another site
    /// (`Sec-Fetch-Site`).
    pub came_by_themselves: bool,
}

impl AuthServer {
    /// The person who is logged in, if they may have what is asked for: somebody else may log in
    /// instead.
    pub(super) async fn logged_in(
        &self,
        visitor: &Visitor,
        request: &AuthorizationRequest,
    ) -> Result<Option<User>, Error> {
        let user = self.session_user(visitor).await?;
        let may = |user: &User| self.may_log_in(user) && self.may_use(user, &request.resources);
        Ok(user.filter(may))
    }

    /// The person who is logged in, whatever they may use.
    pub(super) async fn session_user(&self, visitor: &Visitor) -> Result<Option<User>, Error> {
        let Some(cookie) = &visitor.login else { return Ok(None) };
        let record = self.store.session(cookie, self.now()).await?;
        Ok(record.map(|record| record.user))
    }

    /// Remembers that `user` is logged in; answers the cookie, a fresh one, since one that was there
    /// before the login may be known to somebody else.
    pub(super) async fn log_in(&self, user: &User) -> Result<Option<LoginSession>, Error> {
        let Some(life) = self.config.lifetimes.login_session else { return Ok(None) };
        let (cookie, now) = (LoginSession::generate()?, self.now());
        let record = SessionRecord { user: user.clone(), expires_at: now.plus(life) };
        self.store.put_session(&cookie, &record, now).await?;
        Ok(Some(cookie))
    }
}
