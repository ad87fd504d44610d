//! `/verify`: Traefik's `ForwardAuth` asks whether a request may go on.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web::Data,
};
use serde_json::json;

use super::{error::RETRY_AFTER, forwarded::Forwarded, operation};
use crate::{
    model::Chain,
    oauth::{AuthServer, BearerError, Challenge, Fact, Identity},
};

/// The header of each fact.
const FACTS: [(HeaderName, Fact); 8] = [
    (HeaderName::from_static("x-mcp-server"), Fact::Server),
    (HeaderName::from_static("x-mcp-challenge"), Fact::Challenge),
    (HeaderName::from_static("x-user-id"), Fact::Subject),
    (HeaderName::from_static("x-user-name"), Fact::Name),
    (HeaderName::from_static("x-user-email"), Fact::Email),
    (HeaderName::from_static("x-client-id"), Fact::Client),
    (HeaderName::from_static("x-auth-scopes"), Fact::Scopes),
    (HeaderName::from_static("x-mcp-identity"), Fact::Signed),
];

/// Answers 200 with the identity, or what the client gets to see instead.
pub(super) async fn verify(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    let Ok(forwarded) = Forwarded::read(request.headers()) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "this URL cannot be used");
    };
    let mut authorization = request.headers().get_all(header::AUTHORIZATION);
    // A header that is no text is a token that does not hold, and so are two of them: whoever comes
    // behind us might take the other one (RFC 9110 §5.3).
    let authorization = authorization.next().map(|value| match authorization.next() {
        None => std::str::from_utf8(value.as_bytes()).unwrap_or("Bearer ?"),
        Some(_) => "Bearer ?",
    });
    let place = (&*forwarded.authority, forwarded.path);
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
    let mut response = HttpResponse::Ok().finish();
    for (name, fact) in FACTS {
        let value = HeaderValue::from_maybe_shared(identity.get(fact));
        let value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
        response.headers_mut().insert(name, value);
    }
    response
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
