//! Handler of `/verify`: authorizes a request for Traefik's `ForwardAuth` middleware.

use std::net::IpAddr;

use actix_http::{Request, Response};
use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::RequestHead,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web::Data,
};
use serde_json::json;

use gateway_contract::headers;

use super::{caller, error::RETRY_AFTER, forwarded::Forwarded, operation};
use crate::{
    model::Chain,
    oauth::{AuthServer, BearerError, Challenge, ChallengeError, Identity, Origin, RequestTarget},
};

const SERVER: HeaderName = HeaderName::from_static(headers::SERVER);
const CHALLENGE: HeaderName = HeaderName::from_static(headers::CHALLENGE);
const SUBJECT: HeaderName = HeaderName::from_static(headers::USER_ID);
const NAME: HeaderName = HeaderName::from_static(headers::USER_NAME);
const EMAIL: HeaderName = HeaderName::from_static(headers::USER_EMAIL);
const CLIENT: HeaderName = HeaderName::from_static(headers::CLIENT_ID);
const SCOPES: HeaderName = HeaderName::from_static(headers::SCOPES);
const ADDRESS: HeaderName = HeaderName::from_static(headers::CLIENT_ADDRESS);
const SIGNED: HeaderName = HeaderName::from_static(headers::IDENTITY);

/// Answers 200 with the identity of the caller, or the error response for the client. Ignores the method.
pub(super) async fn serve(server: Data<AuthServer>, request: Request) -> Response<BoxBody> {
    if !caller::is_known(&server, request.head()) {
        return caller::refuse().into();
    }
    let headers = request.head().headers();
    let Ok(forwarded) = Forwarded::read(headers) else {
        return error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "this URL is malformed or ambiguous; check its host and path",
        )
        .into();
    };
    let mut authorization = headers.get_all(header::AUTHORIZATION);
    // Two headers count as an invalid token, because a backend might use the other one
    // (RFC 9110 §5.3).
    let authorization = authorization.next().map(|value| match authorization.next() {
        None => value.as_bytes(),
        Some(_) => b"Bearer ?",
    });
    let target = RequestTarget { authority: &forwarded.authority, path: forwarded.path };
    let origin = || origin(&server, request.head());
    let operation = operation::read(headers);
    match server.verifier.verify_from(target, authorization, &operation, Some(origin)).await {
        Ok(identity) => admit(&identity, caller::client_address(&server, request.head())),
        Err(refused) => refuse(&refused).into(),
    }
}

/// Returns the origin of the request behind a call of `/verify`.
fn origin<'a>(server: &AuthServer, head: &'a RequestHead) -> Origin<'a> {
    let text = |value: &'a header::HeaderValue| value.to_str().ok();
    Origin {
        address: caller::client_address(server, head),
        user_agent: head.headers().get(header::USER_AGENT).and_then(text),
    }
}

/// Returns 200 with all identity headers, empty if unknown. Traefik replaces only headers that it receives, and a
/// client's own copy must not reach the backend.
fn admit(identity: &Identity, address: IpAddr) -> Response<BoxBody> {
    let mut response = Response::new(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(SERVER, identity.server.clone());
    headers.insert(CHALLENGE, identity.challenge.clone());
    headers.insert(SUBJECT, identity.subject.clone());
    headers.insert(NAME, identity.name.clone());
    headers.insert(EMAIL, identity.email.clone());
    headers.insert(CLIENT, identity.client.clone());
    headers.insert(SCOPES, identity.scopes.clone());
    headers.insert(SIGNED, identity.signed.clone());
    // An address is visible ASCII.
    let address = HeaderValue::try_from(address.to_canonical().to_string());
    headers.insert(ADDRESS, address.unwrap_or_else(|_| HeaderValue::from_static("")));
    response
}

fn refuse(refused: &BearerError) -> HttpResponse {
    match refused {
        BearerError::Unauthorized(challenge) => challenged(StatusCode::UNAUTHORIZED, challenge),
        BearerError::InsufficientScope(challenge) => challenged(StatusCode::FORBIDDEN, challenge),
        BearerError::ToolDenied => error(
            StatusCode::FORBIDDEN,
            "access_denied",
            "the access policy of this gateway does not allow this account to use this tool",
        ),
        BearerError::NoServer => error(
            StatusCode::NOT_FOUND,
            "not_found",
            "no MCP server is published at this address; check its name, and that the URL ends \
             in /mcp",
        ),
        BearerError::Unavailable(fault) => {
            log::error!("{}", Chain(fault));
            let mut response = error(
                StatusCode::SERVICE_UNAVAILABLE,
                fault.code().as_str(),
                "the token cannot be checked now; try again",
            );
            let wait = header::HeaderValue::from_static(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
            response
        }
    }
}

fn challenged(status: StatusCode, challenge: &Challenge) -> HttpResponse {
    let ChallengeError { code, description } = challenge.error().unwrap_or(ChallengeError {
        code: "unauthorized",
        description: "log in: see the WWW-Authenticate header",
    });
    let mut response = error(status, code, description);
    match header::HeaderValue::from_str(&challenge.header()) {
        Ok(value) => {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
            response
        }
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

fn error(status: StatusCode, code: &str, description: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({ "error": code, "error_description": description }))
}
