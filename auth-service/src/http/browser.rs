//! The cookies: one holds a browser together from the consent page to the callback, one tells who is
//! logged in.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
};

use crate::{
    model::{BrowserSession, LoginSession, RandomError},
    oauth::Visitor,
};

/// `__Host-` keeps other hosts of the domain from setting it (RFC 6265bis §4.1.3.2).
const FLOW: &str = "__Host-mcpgw";
/// The cookie of a person who is logged in.
const LOGIN: &str = "__Host-mcpgw-login";

/// The session of the browser that sent `request`.
pub(super) fn session(request: &HttpRequest) -> Option<BrowserSession> {
    request.cookie(FLOW).map(|cookie| BrowserSession::presented(cookie.value()))
}

/// Who sent `request`, if this browser has been here.
pub(super) fn visitor(request: &HttpRequest) -> Option<Visitor> {
    let login = request.cookie(LOGIN).map(|cookie| LoginSession::presented(cookie.value()));
    Some(Visitor { browser: session(request)?, login })
}

/// Who sent `request`, with a new session where there is none. An existing one is kept, so that two
/// tabs do not end each other's flow.
pub(super) fn visitor_or_new(request: &HttpRequest) -> Result<Visitor, RandomError> {
    match visitor(request) {
        Some(visitor) if visitor.browser.reveal().len() == 43 => Ok(visitor),
        _ => Ok(Visitor { browser: BrowserSession::generate()?, login: None }),
    }
}

/// Gives `response` the cookie of one flow.
pub(super) fn set_session(response: HttpResponse, session: &BrowserSession) -> HttpResponse {
    set(response, FLOW, session.reveal(), None)
}

/// Gives `response` the cookie of a login, which lasts for `life`.
pub(super) fn set_login(
    response: HttpResponse,
    login: &LoginSession,
    life: Option<Duration>,
) -> HttpResponse {
    set(response, LOGIN, login.reveal(), life)
}

/// `Lax` and not `Strict`: the way back from the login provider is a navigation from another site.
fn set(
    mut response: HttpResponse,
    name: &str,
    value: &str,
    life: Option<Duration>,
) -> HttpResponse {
    let mut cookie = Cookie::build(name.to_owned(), value.to_owned())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish();
    cookie.set_max_age(life.and_then(|life| life.try_into().ok()));
    match response.add_cookie(&cookie) {
        Ok(()) => response,
        Err(error) => {
            log::error!("cookie not set: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}
