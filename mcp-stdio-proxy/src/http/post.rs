//! `POST /mcp`: one message, or a batch in 2025-03-26 (Streamable HTTP, "Sending Messages to the Server").

use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::revision::Era;

use super::finish::finish;
use super::http_error::HttpError;
use super::request_log::RequestLog;
use super::{AppState, body, call, caller, headers, modern, origin, tools};
use crate::instances::initialize::InitializeParams;
use crate::instances::server::Server;
use crate::messages::error;
use crate::messages::message::{self, Envelope, Kind};
use crate::messages::meta::Asked;
use crate::sessions::SessionBinding;

/// The maximum number of messages in a batch.
const BATCH: usize = 64;

pub(super) async fn post(
    request: HttpRequest,
    app: Data<AppState>,
    payload: Payload,
) -> HttpResponse {
    let mut visit = RequestLog::new(&request);
    let outcome = serve(&request, &app, payload, &mut visit).await;
    let response = outcome.unwrap_or_else(|refusal| refusal.response());
    visit.follow(&app.metrics, finish(&request, &app, response))
}

async fn serve(
    request: &HttpRequest,
    app: &AppState,
    payload: Payload,
    visit: &mut RequestLog,
) -> Result<HttpResponse, HttpError> {
    let server = app.enter(request).await?;
    visit.server = Some(Arc::clone(&server.name));
    let outcome = serve_admitted(request, app, &server, payload, visit);
    let Some(admission) = caller::admission(request) else { return outcome.await };
    tokio::select! {
        biased;
        () = admission.revoked() => Err(caller::revoked(request)),
        outcome = outcome => outcome,
    }
}

async fn serve_admitted(
    request: &HttpRequest,
    app: &AppState,
    server: &Arc<Server>,
    payload: Payload,
    visit: &mut RequestLog,
) -> Result<HttpResponse, HttpError> {
    headers::check_post(request.headers())?;
    visit.principal = caller::principal(request)?;
    let body =
        body::read(payload, request.headers(), app.registry.settings.limits.max_request).await?;
    let text = std::str::from_utf8(&body).map_err(|_| HttpError::from(message::Malformed::Json))?;
    if text.trim_start().starts_with('[') {
        visit.asks("batch", None);
        headers::check_version(request.headers())?;
        modern::check::unasked_of_batch(request.headers())?;
        return Box::pin(batch(request, app, server, text)).await;
    }
    let envelope = message::parse(text)?;
    let is_call = envelope.method == "tools/call";
    let tool = envelope.params.filter(|_| is_call).and_then(message::tool_name);
    visit.asks(&envelope.method, tool);
    let outcome = one(request, app, server, (text, &envelope)).await;
    outcome.map_err(|refusal| refusal.with_id(envelope.id))
}

async fn one(
    request: &HttpRequest,
    app: &AppState,
    server: &Arc<Server>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    if let Some(asked) = modern::classify(request.headers(), envelope) {
        if !server.serves(Era::Modern) {
            return Err(HttpError::legacy_only());
        }
        // Boxed, so that the future of a plain call stays small: it is moved several times.
        return Box::pin(modern::serve(request, app, server, &asked, (text, envelope))).await;
    }
    headers::check_version(request.headers())?;
    if !server.serves(Era::Legacy) {
        return Err(HttpError::modern_only(envelope.params));
    }
    check_spelling(request, (app, server), envelope)?;
    modern::check::unasked(request.headers(), envelope)?;
    if envelope.kind == Kind::Request && envelope.method == "initialize" {
        return Box::pin(initialize(request, app, server, envelope)).await;
    }
    let binding = app.binding(request, server)?;
    match envelope.kind {
        Kind::Request => call::call(request, app, &binding, (text, envelope)).await,
        Kind::Notification => notify(request, (app, &binding), text, envelope).await,
        Kind::Response => Ok(take_answer(&binding, text, envelope)),
    }
}

/// Rejects messages that the server may parse differently from the proxy, where an authorization decision
/// depends on them.
fn check_spelling(
    request: &HttpRequest,
    (app, server): (&AppState, &Server),
    envelope: &Envelope<'_>,
) -> Result<(), HttpError> {
    if !tools::need_one_reading(request, server) {
        return Ok(());
    }
    let checked = envelope.check_spelling(&Asked::of(envelope.params));
    checked.map_err(|doubt| origin::message_refused(request, (app, server), envelope, doubt))
}

async fn initialize(
    request: &HttpRequest,
    app: &AppState,
    server: &Arc<Server>,
    envelope: &Envelope<'_>,
) -> Result<HttpResponse, HttpError> {
    let initialize = envelope.params.and_then(InitializeParams::of_client).ok_or_else(|| {
        HttpError::answer(
            error::INVALID_PARAMS,
            "initialize needs params with a protocolVersion, of at most 64 KiB",
        )
    })?;
    let principal = caller::principal(request)?;
    let (binding, result) = app.registry.open(server, principal, initialize).await?;
    caller::note(request, &binding.instance);
    origin::session_opened(request, app, &binding);
    let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, envelope.id);
    let mut response = HttpResponse::Ok();
    if let Some(id) = &binding.session.id {
        response.insert_header((headers::SESSION, id.as_str()));
    }
    Ok(response.content_type("application/json").body(text))
}

/// Forwards a notification and returns 202: "If the server accepts the input, the server MUST return HTTP
/// status code 202".
async fn notify(
    request: &HttpRequest,
    (app, binding): (&AppState, &SessionBinding),
    text: &str,
    envelope: &Envelope<'_>,
) -> Result<HttpResponse, HttpError> {
    // A server might execute a call that has no id.
    tools::check(request, (app, &binding.instance.server), envelope)?;
    let accepted = Ok(HttpResponse::Accepted().finish());
    if envelope.method == "notifications/cancelled" {
        if let Some(id) = envelope.params.and_then(message::cancelled_request) {
            binding.instance.cancel(binding.session.serial, id, text);
        }
        return accepted;
    }
    if envelope.method == "notifications/progress"
        && let (Some(params), Some(bridge)) = (envelope.params, binding.instance.live())
    {
        bridge.progress(params);
    }
    if envelope.method == "notifications/roots/list_changed" {
        binding.session.change_roots();
    }
    binding.instance.notify(text, envelope).await;
    accepted
}

fn take_answer(binding: &SessionBinding, text: &str, envelope: &Envelope<'_>) -> HttpResponse {
    let bridge = binding.instance.live();
    if !bridge.is_some_and(|bridge| bridge.respond(text, envelope)) {
        log::debug!("{}: a response to no request", binding.instance.server.name);
    }
    HttpResponse::Accepted().finish()
}

/// Serves a batch. 2025-03-26: "implementations MUST support receiving JSON-RPC batches"; later revisions
/// have none.
async fn batch(
    request: &HttpRequest,
    app: &AppState,
    server: &Arc<Server>,
    text: &str,
) -> Result<HttpResponse, HttpError> {
    if !server.serves(Era::Legacy) {
        return Err(HttpError::modern_only(None));
    }
    let mut messages = Vec::new();
    for item in message::batch(text, BATCH)? {
        let envelope = message::parse(item)?;
        check_spelling(request, (app, server), &envelope)
            .map_err(|why| why.with_id(envelope.id))?;
        messages.push((item, envelope));
    }
    let binding = app.binding(request, server)?;
    let good = binding.session.revision.has_batches()
        && !messages.is_empty()
        && messages.iter().all(|(_, envelope)| envelope.method != "initialize");
    if !good {
        return Err(HttpError::bad_request("batches are for sessions of 2025-03-26"));
    }
    for (text, envelope) in &messages {
        match envelope.kind {
            Kind::Notification => drop(notify(request, (app, &binding), text, envelope).await?),
            Kind::Response => drop(take_answer(&binding, text, envelope)),
            Kind::Request => {}
        }
    }
    messages.retain(|(_, envelope)| envelope.kind == Kind::Request);
    if messages.is_empty() {
        return Ok(HttpResponse::Accepted().finish());
    }
    call::calls(request, app, &binding, &messages).await
}
