//! `/verify`: Traefik's `ForwardAuth` asks whether a request may go on.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web::{Bytes, Data},
};
use serde_json::json;

use super::{error::RETRY_AFTER, forwarded::Forwarded, operation};
use crate::{
    model::Chain,
    oauth::{AuthServer, BearerError, Challenge, Identity},
};

const SERVER: HeaderName = HeaderName::from_static("x-mcp-server");
const CHALLENGE: HeaderName = HeaderName::from_static("x-mcp-challenge");
const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const USER_NAME: HeaderName = HeaderName::from_static("x-user-name");
const USER_EMAIL: HeaderName = HeaderName::from_static("x-user-email");
const CLIENT_ID: HeaderName = HeaderName::from_static("x-client-id");
const SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");
const IDENTITY: HeaderName = HeaderName::from_static("x-mcp-identity");

/// Answers 200 with the identity, or what the client gets to see instead.
pub(super) async fn verify(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    let Ok(forwarded) = Forwarded::read(request.headers()) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "this URL cannot be used");
    };
    let mut authorization = request.headers().get_all(header::AUTHORIZATION);
    // A header that is no text is a token that does not hold, and so are two of them: whoever comes
    // behind us might take the other one (RFC 9110 §5.3).
    let authorization = authorization.next().map(|value| match authorization.next() {
        None => value.to_str().unwrap_or("Bearer ?"),
        Some(_) => "Bearer ?",
    });
    let place = (forwarded.authority.as_str(), forwarded.path.as_str());
    match server.verify(place, authorization, &operation::read(request.headers())).await {
        Ok(identity) => admit(identity),
        Err(BearerError::Unauthorized(challenge)) => {
            challenged(StatusCode::UNAUTHORIZED, &challenge)
        }
        Err(BearerError::InsufficientScope(challenge)) => {
            challenged(StatusCode::FORBIDDEN, &challenge)
        }
        Err(BearerError::NoServer) => refuse(
            StatusCode::NOT_FOUND,
            "not_found",
            "no MCP server is published at this address; check its name, and that the URL ends \
             in /mcp",
        ),
        Err(BearerError::Unavailable(error)) => {
            log::error!("{}", Chain(&error));
            let mut response = refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                error.code().as_str(),
                "the token cannot be checked now; try again",
            );
            let wait = header::HeaderValue::from_static(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
            response
        }
    }
}

/// Every header is always there, empty if unknown: Traefik replaces only what it gets, and a
/// client's own copy must not be what remains.
fn admit(identity: Identity) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((SERVER, identity.server))
        .insert_header((CHALLENGE, identity.challenge))
        .insert_header((USER_ID, printable(identity.subject)))
        .insert_header((USER_NAME, printable(identity.name)))
        .insert_header((USER_EMAIL, printable(identity.email)))
        .insert_header((CLIENT_ID, printable(identity.client_id)))
        .insert_header((SCOPES, printable(identity.scopes)))
        .insert_header((IDENTITY, printable(identity.signed)))
        .finish()
}

/// A value that every hop reads alike: printable ASCII, anything else as `?`.
fn printable(text: Bytes) -> HeaderValue {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let text = if text.iter().all(|&byte| plain(byte)) {
        text
    } else {
        let text = String::from_utf8_lossy(&text);
        let seen = text.chars().map(|c| if u8::try_from(c).is_ok_and(plain) { c } else { '?' });
        seen.collect::<String>().into()
    };
    HeaderValue::from_maybe_shared(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn challenged(status: StatusCode, challenge: &Challenge) -> HttpResponse {
    let (error, description) =
        challenge.error().unwrap_or(("unauthorized", "log in: see the WWW-Authenticate header"));
    let mut response = refuse(status, error, description);
    match header::HeaderValue::from_str(&challenge.header()) {
        Ok(value) => {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
            response
        }
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

fn refuse(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({ "error": error, "error_description": description }))
}
