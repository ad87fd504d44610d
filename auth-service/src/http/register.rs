//! Handler of `POST /register` (RFC 7591 §3).

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use gateway_contract::audit::EventKind;

use super::{bearer::Bearer, body::JsonBody, caller, error::TokenError};
use crate::oauth::AuthServer;

/// Registers a client. Answers 201 with its id, its secret and the registered metadata (RFC 7591 §3.2.1).
pub(super) async fn register(
    server: Data<AuthServer>,
    request: HttpRequest,
    token: Option<Bearer>,
    body: JsonBody,
) -> Result<HttpResponse, TokenError> {
    let caller = caller::caller(&server, request.head());
    let token = token.as_ref().map(Bearer::text);
    let registered = server.clients.register(token, &body.0, &caller).await;
    let registered = registered.inspect_err(|error| {
        server.core.tell_refused(EventKind::ClientRegistered, error, None, &caller);
    })?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(registered))
}
