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
/// How many bytes of pending authorizations a browser may send along.
const MAX_PENDING: usize = 12_000;
/// How many bytes of one go into one cookie. Browsers keep cookies of 4,096 bytes, name and value
/// together (RFC 6265 §6.1).
const PART: usize = 3_800;
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
    let mut response = response;
    // Base64url: each byte is a character.
    for (name, part) in names_of(&visit.state).iter().zip(pending.as_bytes().chunks(PART)) {
        let part = String::from_utf8_lossy(part);
        response = set(response, &cookie(name, &part, Some(PENDING_LIFE)));
    }
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
    let parts = names_of(state).map(|name| request.cookie(&name));
    let parts = parts.iter().map_while(Option::as_ref).map(Cookie::value);
    let sealed: String = parts.collect();
    (!sealed.is_empty()).then(|| SealedAuthorization::presented(sealed))
}

/// Takes the pending authorization of `state` from the browser.
pub(super) fn forget_pending(
    response: HttpResponse,
    request: &HttpRequest,
    state: &LoginState,
) -> HttpResponse {
    names_of(state)
        .iter()
        .filter(|name| request.cookie(name).is_some())
        .fold(response, |response, name| set(response, &cookie(name, "", Some(Duration::ZERO))))
}

/// The names of the cookies that hold a pending authorization.
fn names_of(state: &LoginState) -> [String; 2] {
    let fingerprint = state.fingerprint();
    let name = format!("{PENDING}{}", fingerprint.as_str().get(..NAME).unwrap_or_default());
    let second = format!("{name}-2");
    [name, second]
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
