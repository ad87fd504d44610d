//! Cross-origin requests of pages (Fetch, "CORS protocol"). Behind a gateway, the gateway handles them.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{AppState, headers, not_allowed};

/// `*` matches any header (`Mcp-Param-*` of 2026-07-28) except `Authorization`.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Last-Event-ID, \
     Mcp-Method, Mcp-Name, *",
);
const EXPOSED: HeaderValue =
    HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate, MCP-Protocol-Version, Retry-After");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
/// Sent by a page of a public site before it accesses a private address (Private Network Access).
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// Answers a CORS preflight (`OPTIONS`).
pub(super) async fn preflight(request: HttpRequest, app: Data<AppState>) -> HttpResponse {
    let asked = request.headers();
    if !asked.contains_key(ORIGIN) || !asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return not_allowed().await;
    }
    let host = headers::text(asked, HOST).unwrap_or_default();
    if let Err(refusal) = headers::check_source(&app.guard, host, asked) {
        return refusal.response();
    }
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    if allow(&request, &app, response.headers_mut()) {
        let told = response.headers_mut();
        told.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        told.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        told.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if asked.contains_key(ASKS_PRIVATE) {
            told.insert(ALLOW_PRIVATE, HeaderValue::from_static("true"));
        }
    }
    response
}

/// Allows the page that sent `request` to read the response.
pub(super) fn expose(
    request: &HttpRequest,
    app: &AppState,
    mut response: HttpResponse,
) -> HttpResponse {
    if request.headers().contains_key(ORIGIN) && allow(request, app, response.headers_mut()) {
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

/// Allows the origin of `request` in the headers `told`. Returns `false` for a foreign origin, and behind a
/// gateway.
fn allow(request: &HttpRequest, app: &AppState, told: &mut HeaderMap) -> bool {
    let asked = request.headers();
    if app.identities.is_some() || asked.contains_key(headers::SERVER) {
        return false;
    }
    told.append(VARY, HeaderValue::from_static("Origin"));
    let mut origins = asked.get_all(ORIGIN);
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    if !origin.to_str().is_ok_and(|origin| app.guard.allows_origin(origin)) {
        return false;
    }
    told.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    true
}
