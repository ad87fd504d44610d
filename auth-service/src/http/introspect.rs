//! Handler of `POST /introspect` (RFC 7662).

use actix_web::{HttpResponse, http::header, web::Data};

use super::{client_form::ClientForm, error::TokenError};
use crate::oauth::{AuthServer, Endpoint};

/// Returns the state and the metadata of a token (RFC 7662 §2.2).
pub(super) async fn introspect(
    server: Data<AuthServer>,
    form: ClientForm,
) -> Result<HttpResponse, TokenError> {
    let client = server.clients.authenticate(&form.credentials, Endpoint::Introspect).await?;
    let answer = server.tokens.introspect(&client, &form.params).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}
