//! `DELETE /mcp`: ends a session (Streamable HTTP, "Session Management").

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::finish::finish;
use super::http_error::HttpError;
use super::{AppState, caller, headers, modern};

pub(super) async fn delete(request: HttpRequest, app: Data<AppState>) -> HttpResponse {
    let response = end(&request, &app).await.unwrap_or_else(|refusal| refusal.response());
    finish(&request, &app, response)
}

async fn end(request: &HttpRequest, app: &AppState) -> Result<HttpResponse, HttpError> {
    let server = app.enter(request).await?;
    modern::refuse_other_methods(request)?;
    headers::check_version(request.headers())?;
    let principal = caller::principal(request)?;
    let Some(id) = headers::text(request.headers(), headers::SESSION) else {
        return Err(HttpError::bad_request("the Mcp-Session-Id header is missing"));
    };
    if app.registry.binding(id, &server, principal.as_deref()).is_none() {
        return Err(HttpError::no_session());
    }
    app.registry.end(id);
    Ok(HttpResponse::NoContent().finish())
}
