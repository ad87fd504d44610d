//! `/verify`: Traefik's `ForwardAuth` asks whether a request may go on.

use actix_web::{
    Error, HttpRequest, HttpResponse,
    dev::{HttpServiceFactory, ServiceRequest, ServiceResponse, fn_service},
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
    web::{self, Data},
};
use serde_json::json;

use super::{asker, error::RETRY_AFTER, forwarded::Forwarded, operation};
use crate::{
    model::Chain,
    oauth::{AuthServer, BearerError, Challenge, Endpoint, Identity},
};

const SERVER: HeaderName = HeaderName::from_static("x-mcp-server");
const CHALLENGE: HeaderName = HeaderName::from_static("x-mcp-challenge");
const SUBJECT: HeaderName = HeaderName::from_static("x-user-id");
const NAME: HeaderName = HeaderName::from_static("x-user-name");
const EMAIL: HeaderName = HeaderName::from_static("x-user-email");
const CLIENT: HeaderName = HeaderName::from_static("x-client-id");
const SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");
const SIGNED: HeaderName = HeaderName::from_static("x-mcp-identity");

/// The endpoint, for all methods. A service and not a handler, since each layer of routing costs a
/// request as much as the decision.
pub(super) fn service() -> impl HttpServiceFactory {
    web::service(Endpoint::Verify.path()).finish(fn_service(serve))
}

async fn serve(request: ServiceRequest) -> Result<ServiceResponse, Error> {
    let response = match request.app_data::<Data<AuthServer>>() {
        Some(server) if asker::is_known(server, request.head()) => {
            verify(server, request.request()).await
        }
        _ => asker::refuse(),
    };
    Ok(request.into_response(response))
}

/// Answers 200 with the identity, or what the client gets to see instead.
async fn verify(server: &AuthServer, request: &HttpRequest) -> HttpResponse {
    let Ok(forwarded) = Forwarded::read(request.headers()) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "this URL cannot be used");
    };
    let mut authorization = request.headers().get_all(header::AUTHORIZATION);
    // Two of them are a token that does not hold: whoever comes behind us might take the other one
    // (RFC 9110 §5.3).
    let authorization = authorization.next().map(|value| match authorization.next() {
        None => value.as_bytes(),
        Some(_) => b"Bearer ?",
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
    let headers = response.headers_mut();
    headers.insert(SERVER, identity.server.clone());
    headers.insert(CHALLENGE, identity.challenge.clone());
    headers.insert(SUBJECT, identity.subject.clone());
    headers.insert(NAME, identity.name.clone());
    headers.insert(EMAIL, identity.email.clone());
    headers.insert(CLIENT, identity.client.clone());
    headers.insert(SCOPES, identity.scopes.clone());
    headers.insert(SIGNED, identity.signed.clone());
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
