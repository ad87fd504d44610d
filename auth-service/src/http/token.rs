//! Handler of `POST /token` (RFC 6749 §3.2).

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use gateway_contract::audit::EventKind;

use super::{caller, client_form::ClientForm, error::TokenError};
use crate::{
    model::Caller,
    oauth::{AuthServer, DEVICE_CODE, Endpoint, Error, TokenResponse},
};

/// Authenticates the client and issues tokens for its grant.
pub(super) async fn token(
    server: Data<AuthServer>,
    request: HttpRequest,
    form: ClientForm,
) -> Result<HttpResponse, TokenError> {
    let caller = caller::caller(&server, request.head());
    let tokens = tokens(&server, &form, &caller).await.inspect_err(|error| {
        let client = form.credentials.client_id();
        server.core.tell_refused(EventKind::AccessDenied, error, client, &caller);
    })?;
    // RFC 6749 §5.1 requires both headers.
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .json(tokens))
}

async fn tokens(
    server: &AuthServer,
    form: &ClientForm,
    caller: &Caller,
) -> Result<TokenResponse, Error> {
    let client = server.clients.authenticate(&form.credentials, Endpoint::Token).await?;
    let grant_type = form.params.required("grant_type", "grant_type is missing")?;
    let (params, issuer) = (&form.params, &server.tokens);
    let tokens = match grant_type {
        "authorization_code" => issuer.redeem_code(&client, params, caller).await?,
        "client_credentials" => issuer.client_credentials(&client, params, caller).await?,
        "refresh_token" => issuer.refresh(&client, params, caller).await?,
        DEVICE_CODE if server.core.config.device_grant => {
            issuer.redeem_device_code(&client, params, caller).await?
        }
        _ => return Err(Error::UnsupportedGrantType),
    };
    server.core.metrics.issued(grant_type);
    Ok(tokens)
}
