//! Handler of `POST /token` (RFC 6749 §3.2).

use actix_web::{HttpResponse, http::header, web::Data};

use super::{client_form::ClientForm, error::TokenError};
use crate::oauth::{AuthServer, DEVICE_CODE, Endpoint, Error};

/// Authenticates the client and issues tokens for its grant.
pub(super) async fn token(
    server: Data<AuthServer>,
    form: ClientForm,
) -> Result<HttpResponse, TokenError> {
    let client = server.clients.authenticate(&form.credentials, Endpoint::Token).await?;
    let grant_type = form.params.required("grant_type", "grant_type is missing")?;
    let tokens = match grant_type {
        "authorization_code" => server.tokens.redeem_code(&client, &form.params).await?,
        "client_credentials" => server.tokens.client_credentials(&client, &form.params).await?,
        "refresh_token" => server.tokens.refresh(&client, &form.params).await?,
        DEVICE_CODE if server.core.config.device_grant => {
            server.tokens.redeem_device_code(&client, &form.params).await?
        }
        _ => return Err(Error::UnsupportedGrantType.into()),
    };
    server.core.metrics.issued(grant_type);
    // RFC 6749 §5.1 requires both headers.
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .json(tokens))
}
