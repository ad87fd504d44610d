//! `/verify`: Traefik's `ForwardAuth` asks whether a request may go on.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Data,
};
use serde_json::json;

use super::{error::RETRY_AFTER, forwarded::Forwarded, operation};
use crate::{
    model::Chain,
    oauth::{AuthServer, BearerError, Challenge, Identity},
};

/// Answers 200 with the identity, or what the client gets to see instead.
pub(super) async fn verify(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    let Ok(forwarded) = Forwarded::read(request.headers()) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "this URL cannot be used");
    };
    let authorization = request.headers().get(header::AUTHORIZATION);
    // A header that is no text is a token that does not hold.
    let authorization = authorization.map(|value| value.to_str().unwrap_or("Bearer ?"));
    let place = (forwarded.authority.as_str(), forwarded.path.as_str());
    match server.verify(place, authorization, &operation::read(request.headers())).await {
        Ok(identity) => admit(&identity),
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
fn admit(identity: &Identity) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("X-MCP-Server", identity.server.as_str()))
        .insert_header(("X-User-Id", printable(&identity.subject)))
        .insert_header(("X-User-Name", printable(&identity.name)))
        .insert_header(("X-User-Email", printable(&identity.email)))
        .insert_header(("X-Client-Id", printable(&identity.client_id)))
        .insert_header(("X-Auth-Scopes", printable(&identity.scopes)))
        .insert_header(("X-MCP-Challenge", identity.challenge.as_str()))
        .finish()
}

/// A value that every hop reads alike: printable ASCII, anything else as `?`.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
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
