//! The cookies: one binds the steps of a flow to a browser, one holds a pending authorization while
//! its person is at the login provider, one tells who is logged in.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
};

use super::navigation;
use crate::{
    model::{BrowserSession, LoginSession, LoginState, RandomError, SealedAuthorization},
    oauth::{ProviderVisit, Visitor},
};

/// `__Host-` keeps other hosts of the domain from setting it (RFC 6265bis §4.1.3.2).
const BROWSER: &str = "__Host-mcpgw";
/// The cookie of a person who is logged in.
const LOGIN: &str = "__Host-mcpgw-login";
/// The beginning of the cookies of pending authorizations; a part of the `state` follows.
const PENDING: &str = "__Host-mcpgw-flow-";
/// How many characters of the fingerprint of a `state` name its cookie.
const NAME: usize = 12;
/// How many bytes of pending authorizations a browser may send along: proxies in front of Traefik
/// accept header lines of 8 KiB and more.
const MAX_PENDING: usize = 6_000;
/// How long a person may stay at the login provider.
const PENDING_LIFE: Duration = Duration::from_mins(10);

/// Who sent `request`, if this browser has been here.
pub(super) fn visitor(request: &HttpRequest) -> Option<Visitor> {
    let browser = request.cookie(BROWSER).filter(|cookie| cookie.value().len() == 43)?;
    let login = request.cookie(LOGIN).map(|cookie| LoginSession::presented(cookie.value()));
    Some(Visitor {
        browser: BrowserSession::presented(browser.value()),
        login,
        came_by_themselves: navigation::began_here(request.headers()),
    })
}

/// Who sent `request`, with a new session where there is none. An existing one is kept, so that two
/// tabs do not end each other's flow.
pub(super) fn visitor_or_new(request: &HttpRequest) -> Result<Visitor, RandomError> {
    match visitor(request) {
        Some(visitor) => Ok(visitor),
        None => Ok(Visitor {
            browser: BrowserSession::generate()?,
            login: None,
            came_by_themselves: navigation::began_here(request.headers()),
        }),
    }
}

/// Gives `response` the cookie that binds a flow to its browser.
pub(super) fn set_session(response: HttpResponse, session: &BrowserSession) -> HttpResponse {
    set(response, &cookie(BROWSER, session.reveal(), None))
}

/// Gives `response` the cookie of a login, which lasts for `life`.
pub(super) fn set_login(
    response: HttpResponse,
    login: &LoginSession,
    life: Option<Duration>,
) -> HttpResponse {
    set(response, &cookie(LOGIN, login.reveal(), life))
}

/// Gives `response` the cookie of a pending authorization. Earlier ones of the browser that sent
/// `request` go if they are too many to be sent along.
pub(super) fn set_pending(
    response: HttpResponse,
    request: &HttpRequest,
    visit: &ProviderVisit,
) -> HttpResponse {
    let pending = visit.pending.reveal();
    let mut response = set(response, &cookie(&name_of(&visit.state), pending, Some(PENDING_LIFE)));
    let mut size = pending.len();
    let cookies = request.cookies();
    for earlier in cookies.iter().flat_map(|all| all.iter()) {
        if !earlier.name().starts_with(PENDING) {
            continue;
        }
        size += earlier.value().len();
        if size > MAX_PENDING {
            response = set(response, &cookie(earlier.name(), "", Some(Duration::ZERO)));
        }
    }
    response
}

/// The pending authorization of `state`.
pub(super) fn pending(request: &HttpRequest, state: &LoginState) -> Option<SealedAuthorization> {
    let cookie = request.cookie(&name_of(state))?;
    Some(SealedAuthorization::presented(cookie.value()))
}

/// Takes the pending authorization of `state` from the browser.
pub(super) fn forget_pending(response: HttpResponse, state: &LoginState) -> HttpResponse {
    set(response, &cookie(&name_of(state), "", Some(Duration::ZERO)))
}

fn name_of(state: &LoginState) -> String {
    let fingerprint = state.fingerprint();
    format!("{PENDING}{}", fingerprint.as_str().get(..NAME).unwrap_or_default())
}

/// `Lax` and not `Strict`: the way back from the login provider is a navigation from another site.
fn cookie(name: &str, value: &str, life: Option<Duration>) -> Cookie<'static> {
    let mut cookie = Cookie::build(name.to_owned(), value.to_owned())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish();
    cookie.set_max_age(life.and_then(|life| life.try_into().ok()));
    cookie
}

fn set(mut response: HttpResponse, cookie: &Cookie<'_>) -> HttpResponse {
    match response.add_cookie(cookie) {
        Ok(()) => response,
        Err(error) => {
            log::error!("cookie not set: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}
