//! Handler of `POST /revoke` (RFC 7009).

use actix_web::{HttpRequest, HttpResponse, web::Data};
use gateway_contract::audit::EventKind;

use super::{caller, client_form::ClientForm, error::TokenError};
use crate::oauth::{AuthServer, Endpoint};

/// Revokes a token. Answers 200 even if the token is unknown (RFC 7009 §2.2).
pub(super) async fn revoke(
    server: Data<AuthServer>,
    request: HttpRequest,
    form: ClientForm,
) -> Result<HttpResponse, TokenError> {
    let caller = caller::caller(&server, request.head());
    let revoked = async {
        let client = server.clients.authenticate(&form.credentials, Endpoint::Revoke).await?;
        server.tokens.revoke(&client, &form.params, &caller).await
    };
    revoked.await.inspect_err(|error| {
        let client = form.credentials.client_id();
        server.core.tell_refused(EventKind::AccessDenied, error, client, &caller);
    })?;
    Ok(HttpResponse::Ok().finish())
}
