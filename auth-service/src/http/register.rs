//! Handler of `POST /register` (RFC 7591 §3).

use actix_web::{HttpResponse, http::header, web::Data};

use super::{bearer::Bearer, body::JsonBody, error::TokenError};
use crate::oauth::AuthServer;

/// Registers a client. Answers 201 with its id, its secret and the registered metadata (RFC 7591 §3.2.1).
pub(super) async fn register(
    server: Data<AuthServer>,
    token: Option<Bearer>,
    body: JsonBody,
) -> Result<HttpResponse, TokenError> {
    let registered = server.clients.register(token.as_ref().map(Bearer::text), &body.0).await?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(registered))
}
