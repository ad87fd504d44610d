//! `DELETE /mcp`: ends a session (Streamable HTTP, "Session Management").

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::finish::finish;
use super::refusal::Refusal;
use super::{Gate, asker, headers, modern};

pub(super) async fn delete(request: HttpRequest, gate: Data<Gate>) -> HttpResponse {
    let response = end(&request, &gate).await.unwrap_or_else(|refusal| refusal.response());
    finish(&request, &gate, response)
}

async fn end(request: &HttpRequest, gate: &Gate) -> Result<HttpResponse, Refusal> {
    let backend = gate.enter(request).await?;
    modern::refuse_other_methods(request)?;
    headers::check_version(request.headers())?;
    let principal = asker::principal(request)?;
    let Some(id) = headers::text(request.headers(), headers::SESSION) else {
        return Err(Refusal::bad_request("the Mcp-Session-Id header is missing"));
    };
    if gate.hub.seat(id, &backend, principal.as_deref()).is_none() {
        return Err(Refusal::no_session());
    }
    gate.hub.end(id);
    Ok(HttpResponse::NoContent().finish())
}
