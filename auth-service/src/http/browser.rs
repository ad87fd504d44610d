//! The cookies: one binds the steps of a flow to a browser, one holds a pending authorization while
//! its person is at the login provider, one tells who is logged in.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
};

use super::navigation;
use crate::{
    model::{
        BrowserSession, Fingerprint, LoginSession, LoginState, RandomError, SealedAuthorization,
    },
    oauth::{ProviderVisit, Visitor},
};

/// The beginning of the cookies that bind flows; a part of the fingerprint of the value follows, since
/// tabs that a new browser opens at the same time get one each. `__Host-` keeps other hosts of the
/// domain from setting it (RFC 6265bis §4.1.3.2).
const BROWSER: &str = "__Host-mcpgw-browser-";
/// How many of them a browser may have.
const MAX_BROWSER: usize = 32;
/// How long a flow may take, with all of its pages. It outlasts the browser, which may be restarted.
const BROWSER_LIFE: Duration = Duration::from_hours(1);
/// The cookie of a person who is logged in.
const LOGIN: &str = "__Host-mcpgw-login";
/// The mark that an account was refused.
const REFUSED: &str = "__Host-mcpgw-refused";
/// The beginning of the cookies of pending authorizations; a part of the `state` follows.
const PENDING: &str = "__Host-mcpgw-flow-";
/// How many characters of a fingerprint are in the name of a cookie.
const NAME: usize = 12;
/// How many bytes of pending authorizations a browser may send along.
const MAX_PENDING: usize = 12_000;
/// How many bytes of one go into one cookie. Browsers keep cookies of 4,096 bytes, name and value
/// together (RFC 6265 §6.1).
const PART: usize = 3_800;
/// How long a browser keeps a pending authorization. A person may stay at the login provider for less;
/// whoever comes later sees the page again.
const PENDING_LIFE: Duration = BROWSER_LIFE;

/// Returns the sender of `request`, with a new session where there is none. Existing ones are kept, so that
/// two tabs do not end each other's flow. A login does not depend on them.
pub(super) fn visitor(request: &HttpRequest) -> Result<Visitor, RandomError> {
    let cookies = request.cookies();
    let sessions = cookies
        .iter()
        .flat_map(|all| all.iter())
        .filter(|cookie| cookie.name().starts_with(BROWSER) && cookie.value().len() == 43);
    let mut sessions =
        sessions.map(|cookie| BrowserSession::presented(cookie.value())).take(MAX_BROWSER);
    let browser = sessions.next().map_or_else(BrowserSession::generate, Ok)?;
    let login = request.cookie(LOGIN).map(|cookie| LoginSession::presented(cookie.value()));
    Ok(Visitor {
        browser,
        others: sessions.collect(),
        was_refused: request.cookie(REFUSED).is_some(),
        login,
        came_by_themselves: navigation::began_here(request.headers()),
    })
}

/// Gives `response` the cookie that binds a flow to its browser.
pub(super) fn set_session(response: HttpResponse, session: &BrowserSession) -> HttpResponse {
    let name = named(BROWSER, &session.fingerprint());
    set(response, &cookie(&name, session.reveal(), Some(BROWSER_LIFE)))
}

/// Marks that an account was refused, so that the login provider asks for another one also in the next
/// flow.
pub(super) fn set_refused(response: HttpResponse) -> HttpResponse {
    set(response, &cookie(REFUSED, "1", Some(BROWSER_LIFE)))
}

/// Takes that mark from the browser of `request`, whose person has logged in.
pub(super) fn forget_refused(response: HttpResponse, request: &HttpRequest) -> HttpResponse {
    match request.cookie(REFUSED) {
        Some(_) => set(response, &cookie(REFUSED, "", Some(Duration::ZERO))),
        None => response,
    }
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
    let mut response = keep_pending(response, (&visit.state, &visit.pending));
    let mut size = visit.pending.reveal().len();
    let cookies = request.cookies();
    // Browsers send the oldest first (RFC 6265 §5.4), which may be abandoned: the newest stay.
    for earlier in cookies.iter().flat_map(|all| all.iter().rev()) {
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

/// Gives `response` the cookies of a pending authorization, if it fits into them.
pub(super) fn keep_pending(
    response: HttpResponse,
    (state, pending): (&LoginState, &SealedAuthorization),
) -> HttpResponse {
    let (names, mut response) = (names_of(state), response);
    // Base64url: each byte is a character.
    let parts: Vec<&[u8]> = pending.reveal().as_bytes().chunks(PART).collect();
    if parts.len() > names.len() {
        return response;
    }
    for (name, part) in names.iter().zip(parts) {
        let part = String::from_utf8_lossy(part);
        response = set(response, &cookie(name, &part, Some(PENDING_LIFE)));
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
    let name = named(PENDING, &state.fingerprint());
    let second = format!("{name}-2");
    [name, second]
}

/// The name of the cookie of a value of this fingerprint.
fn named(prefix: &str, value: &Fingerprint) -> String {
    [prefix, value.as_str().get(..NAME).unwrap_or_default()].concat()
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
