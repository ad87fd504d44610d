//! `POST /register` (RFC 7591 §3).

use actix_web::{HttpResponse, http::header, web::Data};

use super::{body::Body, error::TokenError};
use crate::oauth::AuthServer;

/// Registers a client.
pub(super) async fn register(
    server: Data<AuthServer>,
    body: Body,
) -> Result<HttpResponse, TokenError> {
    let registered = server.register(&body.0).await?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(registered))
}
