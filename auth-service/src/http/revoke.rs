//! Handler of `POST /revoke` (RFC 7009).

use actix_web::{HttpResponse, web::Data};

use super::{client_form::ClientForm, error::TokenError};
use crate::oauth::{AuthServer, Endpoint};

/// Revokes a token. Answers 200 even if the token is unknown (RFC 7009 §2.2).
pub(super) async fn revoke(
    server: Data<AuthServer>,
    form: ClientForm,
) -> Result<HttpResponse, TokenError> {
    let client = server.clients.authenticate(&form.credentials, Endpoint::Revoke).await?;
    server.tokens.revoke(&client, &form.params).await?;
    Ok(HttpResponse::Ok().finish())
}
