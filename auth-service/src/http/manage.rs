//! Handlers of `GET`, `PUT` and `DELETE /register/{client_id}` (RFC 7592).

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path},
};

use gateway_contract::audit::EventKind;

use super::{bearer::Bearer, body::JsonBody, caller, error::TokenError};
use crate::{
    model::ClientId,
    oauth::{AuthServer, Registered},
};

/// Returns the registration of a client (RFC 7592 §2.1).
pub(super) async fn read(
    server: Data<AuthServer>,
    id: Path<ClientId>,
    token: Bearer,
) -> Result<HttpResponse, TokenError> {
    Ok(answer(&server.clients.read_registration(&id, &token.registration()).await?))
}

/// Replaces the client metadata by the request body (RFC 7592 §2.2).
pub(super) async fn update(
    server: Data<AuthServer>,
    request: HttpRequest,
    id: Path<ClientId>,
    token: Bearer,
    body: JsonBody,
) -> Result<HttpResponse, TokenError> {
    let (caller, token) = (caller::caller(&server, request.head()), token.registration());
    let updated = server.clients.update_registration(&id, &token, &body.0, &caller).await;
    let updated = updated.inspect_err(|error| {
        server.core.tell_refused(EventKind::ClientUpdated, error, Some(&id), &caller);
    })?;
    Ok(answer(&updated))
}

/// Deletes the registration and revokes its grants. Answers 204 (RFC 7592 §2.3).
pub(super) async fn delete(
    server: Data<AuthServer>,
    request: HttpRequest,
    id: Path<ClientId>,
    token: Bearer,
) -> Result<HttpResponse, TokenError> {
    let (caller, token) = (caller::caller(&server, request.head()), token.registration());
    let deleted = server.clients.delete_registration(&id, &token, &caller).await;
    deleted.inspect_err(|error| {
        server.core.tell_refused(EventKind::ClientDeleted, error, Some(&id), &caller);
    })?;
    Ok(HttpResponse::NoContent().finish())
}

fn answer(registered: &Registered) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(registered)
}
