//! `GET /mcp`: the standing stream of server-initiated messages, and the resumption of an interrupted stream
//! (Streamable HTTP, "Listening for Messages from the Server").

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::revision::Era;

use super::finish::finish;
use super::http_error::HttpError;
use super::{AppState, call, caller, headers, modern, sse};

pub(super) async fn get(request: HttpRequest, app: Data<AppState>) -> HttpResponse {
    let response = open(&request, &app).await.unwrap_or_else(|refusal| refusal.response());
    finish(&request, &app, response)
}

async fn open(request: &HttpRequest, app: &AppState) -> Result<HttpResponse, HttpError> {
    let server = app.enter(request).await?;
    modern::refuse_other_methods(request)?;
    if !server.serves(Era::Legacy) {
        return Err(HttpError::modern_only(None));
    }
    headers::check_version(request.headers())?;
    headers::check_accept(request.headers(), &["text/event-stream"])?;
    let binding = app.binding(request, &server)?;
    let resumed = headers::text(request.headers(), headers::LAST_EVENT)
        .and_then(event)
        .and_then(|(name, seq)| Some((binding.session.stream(name)?, seq)));
    let (stream, reader) = match resumed {
        // "A client can be told to stop reconnecting using the HTTP 204 No Content response code" (HTML,
        // "Server-sent events"). The client has received the whole stream, or has cancelled its request.
        Some((stream, seq)) if stream.is_over_after(seq) => {
            return Ok(HttpResponse::NoContent().finish());
        }
        Some((stream, seq)) => (Arc::clone(&stream), stream.reader_after(seq)),
        None => (Arc::clone(&binding.session.standing), binding.session.standing.reader()),
    };
    call::deliver(binding.instance.live().as_deref(), &binding.session, &stream);
    let priming = binding.session.revision.has_priming();
    let until = caller::admission(request).map(|admission| admission.until());
    Ok(sse::response(reader, priming, app.registry.settings.timeouts.keep_alive, until))
}

/// Splits an event id into the name of the stream and the number of the event.
fn event(id: &str) -> Option<(&str, u64)> {
    let (name, seq) = id.split_once('-')?;
    Some((name, seq.parse().ok()?))
}
