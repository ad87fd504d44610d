//! The cookies. One kind binds the steps of a flow to a browser. Another stores a pending authorization while
//! the person is at the login provider. The third identifies the login session. The fourth records that an account was
//! refused.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
};

use super::{caller, navigation};
use crate::{
    model::{
        BrowserSession, Fingerprint, LoginSession, LoginState, RandomError, SealedAuthorization,
    },
    oauth::{AuthServer, BrowserContext, ProviderVisit},
};

/// The name prefix of the cookies that bind flows. Part of the value's fingerprint follows, because tabs that a new
/// browser opens at the same time get one cookie each. `__Host-` prevents other hosts of the domain from setting it
/// (RFC 6265bis §4.1.3.2).
const BROWSER: &str = "__Host-mcpgw-browser-";
/// The number of flow cookies that are read from one request.
const MAX_BROWSER: usize = 32;
/// The lifetime of a flow cookie, and so of a flow with all of its pages. The cookie is persistent, so that it
/// survives a restart of the browser.
const BROWSER_LIFE: Duration = Duration::from_hours(1);
/// The name of the login session cookie.
const LOGIN: &str = "__Host-mcpgw-login";
/// The name of the cookie that records the refusal of an account.
const REFUSED: &str = "__Host-mcpgw-refused";
/// The name prefix of the cookies of pending authorizations. Part of the fingerprint of `state` follows.
const PENDING: &str = "__Host-mcpgw-flow-";
/// The number of fingerprint characters in a cookie name.
const NAME: usize = 12;
/// The maximum total size, in bytes, of the pending authorizations in one browser. Older ones are evicted.
const MAX_PENDING: usize = 12_000;
/// The number of bytes of a pending authorization in one cookie. Browsers keep cookies of 4,096 bytes, name and value
/// together (RFC 6265 §6.1).
const PART: usize = 3_800;
/// The lifetime of a pending authorization in the browser. The limit for the visit to the login provider is shorter;
/// a person who returns after it sees the consent page again.
const PENDING_LIFE: Duration = BROWSER_LIFE;

/// Returns the browser session of `request`, or a new one if it has none. Existing sessions are kept, so that two tabs
/// do not end each other's flow. The login is independent of them.
pub(super) fn browser(
    server: &AuthServer,
    request: &HttpRequest,
) -> Result<BrowserContext, RandomError> {
    let cookies = request.cookies();
    let sessions = cookies
        .iter()
        .flat_map(|all| all.iter())
        .filter(|cookie| cookie.name().starts_with(BROWSER) && cookie.value().len() == 43);
    let mut sessions =
        sessions.map(|cookie| BrowserSession::presented(cookie.value())).take(MAX_BROWSER);
    let browser = sessions.next().map_or_else(BrowserSession::generate, Ok)?;
    let login = request.cookie(LOGIN).map(|cookie| LoginSession::presented(cookie.value()));
    Ok(BrowserContext {
        session: browser,
        other_sessions: sessions.collect(),
        was_refused: request.cookie(REFUSED).is_some(),
        login,
        is_own_navigation: navigation::began_here(request.headers()),
        caller: caller::caller(server, request.head()),
    })
}

/// Sets the cookie that binds a flow to its browser.
pub(super) fn set_session(response: HttpResponse, session: &BrowserSession) -> HttpResponse {
    let name = named(BROWSER, &session.fingerprint());
    set(response, &cookie(&name, session.reveal(), Some(BROWSER_LIFE)))
}

/// Records in a cookie that an account was refused. The login provider then asks which account to use, even in the
/// next flow.
pub(super) fn set_refused(response: HttpResponse) -> HttpResponse {
    set(response, &cookie(REFUSED, "1", Some(BROWSER_LIFE)))
}

/// Removes the record of a refused account from the browser of `request`, after a login that was accepted.
pub(super) fn forget_refused(response: HttpResponse, request: &HttpRequest) -> HttpResponse {
    match request.cookie(REFUSED) {
        Some(_) => set(response, &cookie(REFUSED, "", Some(Duration::ZERO))),
        None => response,
    }
}

/// Sets the login session cookie, which lasts for `life`, or until the browser ends if `None`.
pub(super) fn set_login(
    response: HttpResponse,
    login: &LoginSession,
    life: Option<Duration>,
) -> HttpResponse {
    set(response, &cookie(LOGIN, login.reveal(), life))
}

/// Removes the login session cookie.
pub(super) fn forget_login(response: HttpResponse) -> HttpResponse {
    set(response, &cookie(LOGIN, "", Some(Duration::ZERO)))
}

/// Sets the cookies of a pending authorization. Evicts the oldest ones of the browser that sent `request` if their
/// total size would exceed [`MAX_PENDING`].
pub(super) fn set_pending(
    response: HttpResponse,
    request: &HttpRequest,
    visit: &ProviderVisit,
) -> HttpResponse {
    let mut response = keep_pending(response, &visit.state, &visit.pending);
    let mut size = visit.pending.reveal().len();
    let cookies = request.cookies();
    // Browsers send the oldest cookies first (RFC 6265 §5.4). Those may be abandoned, so the newest are kept.
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

/// Sets the cookies of a pending authorization, unless it is too long for them.
pub(super) fn keep_pending(
    response: HttpResponse,
    state: &LoginState,
    pending: &SealedAuthorization,
) -> HttpResponse {
    let (names, mut response) = (names_of(state), response);
    // The value is base64url: each byte is a character.
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

/// Returns the pending authorization of `state`, joined from its cookies.
pub(super) fn pending(request: &HttpRequest, state: &LoginState) -> Option<SealedAuthorization> {
    let parts = names_of(state).map(|name| request.cookie(&name));
    let parts = parts.iter().map_while(Option::as_ref).map(Cookie::value);
    let sealed: String = parts.collect();
    (!sealed.is_empty()).then(|| SealedAuthorization::presented(sealed))
}

/// Removes the cookies of the pending authorization of `state` from the browser.
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

/// Returns the names of the cookies that store a pending authorization.
fn names_of(state: &LoginState) -> [String; 2] {
    let name = named(PENDING, &state.fingerprint());
    let second = format!("{name}-2");
    [name, second]
}

/// Returns the cookie name of a value with this fingerprint.
fn named(prefix: &str, value: &Fingerprint) -> String {
    [prefix, value.as_str().get(..NAME).unwrap_or_default()].concat()
}

/// Builds a cookie. It is `Lax` and not `Strict`, because the return from the login provider is a navigation from
/// another site.
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
            log::error!("cannot set a cookie: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}
