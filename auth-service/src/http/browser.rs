//! The cookie that holds one browser together from the consent page to the callback.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite},
};

use crate::model::{BrowserSession, RandomError};

/// `__Host-` keeps other hosts of the domain from setting it (RFC 6265bis §4.1.3.2).
const NAME: &str = "__Host-mcpgw";

/// The session of the browser that sent `request`.
pub(super) fn session(request: &HttpRequest) -> Option<BrowserSession> {
    request.cookie(NAME).map(|cookie| BrowserSession::presented(cookie.value()))
}

/// The session of the browser, and a new one where there is none. An existing one is kept, so that
/// two tabs do not end each other's flow.
pub(super) fn session_or_new(request: &HttpRequest) -> Result<BrowserSession, RandomError> {
    match session(request) {
        Some(session) if session.reveal().len() == 43 => Ok(session),
        _ => BrowserSession::generate(),
    }
}

/// The cookie of `session`. `Lax` and not `Strict`: the way back from the login provider is a
/// navigation from another site.
pub(super) fn cookie(session: &BrowserSession) -> Cookie<'static> {
    Cookie::build(NAME, session.reveal().to_owned())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish()
}
