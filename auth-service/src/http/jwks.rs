//! Handler of `GET /jwks` (RFC 7517 §5).

use actix_web::{HttpResponse, http::header, web::Data};

use crate::oauth::AuthServer;

/// Returns the public keys that verify access tokens and identities.
pub(super) async fn jwks(server: Data<AuthServer>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(server.core.keys.jwks())
}
