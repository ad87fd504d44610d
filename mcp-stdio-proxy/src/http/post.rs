//! `POST /mcp`: one message, or a batch in 2025-03-26 (Streamable HTTP, "Sending Messages to the Server").

use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::revision::Era;

use super::access::Visit;
use super::finish::finish;
use super::refusal::Refusal;
use super::{Gate, asker, body, call, headers, modern, origin, tools};
use crate::backend::Backend;
use crate::hub::Seat;
use crate::protocol::message::{self, Envelope, Kind};
use crate::protocol::meta::Asked;
use crate::protocol::spelling::Doubt;
use crate::protocol::{error, splice};
use crate::room::{Hello, ROOTS_CHANGED, upgrade};

/// The maximum number of messages in a batch.
const BATCH: usize = 64;
const INITIALIZED: &str = "notifications/initialized";

pub(super) async fn post(request: HttpRequest, gate: Data<Gate>, payload: Payload) -> HttpResponse {
    let mut visit = Visit::new(&request);
    let served = serve(&request, &gate, payload, &mut visit).await;
    let response = served.unwrap_or_else(|refusal| refusal.response());
    visit.follow(&gate.metrics, finish(&request, &gate, response))
}

async fn serve(
    request: &HttpRequest,
    gate: &Gate,
    payload: Payload,
    visit: &mut Visit,
) -> Result<HttpResponse, Refusal> {
    let backend = gate.enter(request).await?;
    visit.server = Some(Arc::clone(&backend.name));
    let served = serve_admitted(request, gate, &backend, payload, visit);
    let Some(admission) = asker::admission(request) else { return served.await };
    tokio::select! {
        biased;
        () = admission.revoked() => Err(asker::revoked(request)),
        served = served => served,
    }
}

async fn serve_admitted(
    request: &HttpRequest,
    gate: &Gate,
    backend: &Arc<Backend>,
    payload: Payload,
    visit: &mut Visit,
) -> Result<HttpResponse, Refusal> {
    headers::check_post(request.headers())?;
    visit.principal = asker::principal(request)?;
    let body = body::read(payload, request.headers(), gate.hub.settings.max_request).await?;
    let text = std::str::from_utf8(&body).map_err(|_| Refusal::from(message::Malformed::Json))?;
    if text.trim_start().starts_with('[') {
        visit.asks("batch", None);
        headers::check_version(request.headers())?;
        modern::check::unasked_of_batch(request.headers())?;
        return Box::pin(batch(request, gate, backend, text)).await;
    }
    let envelope = message::parse(text)?;
    let is_call = envelope.method == "tools/call";
    let tool = envelope.params.filter(|_| is_call).and_then(message::tool_name);
    visit.asks(&envelope.method, tool);
    let served = one(request, gate, backend, (text, &envelope)).await;
    served.map_err(|refusal| refusal.with_id(envelope.id))
}

async fn one(
    request: &HttpRequest,
    gate: &Gate,
    backend: &Arc<Backend>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, Refusal> {
    if let Some(asked) = modern::classify(request.headers(), envelope) {
        if !backend.serves(Era::Modern) {
            return Err(Refusal::legacy_only());
        }
        // Boxed, so that the future of a plain call stays small: it is moved several times.
        return Box::pin(modern::serve(request, gate, backend, &asked, (text, envelope))).await;
    }
    headers::check_version(request.headers())?;
    if !backend.serves(Era::Legacy) {
        return Err(Refusal::modern_only(envelope.params));
    }
    check_spelling(request, (gate, backend), envelope)?;
    modern::check::unasked(request.headers(), envelope)?;
    if envelope.kind == Kind::Request && envelope.method == "initialize" {
        return Box::pin(initialize(request, gate, backend, envelope)).await;
    }
    let seat = gate.seat(request, backend)?;
    match envelope.kind {
        Kind::Request => call::call(request, gate, &seat, (text, envelope)).await,
        Kind::Notification => notify(request, (gate, &seat), text, envelope).await,
        Kind::Response => Ok(take_answer(&seat, text, envelope)),
    }
}

/// Rejects messages that the server may parse differently from the proxy, where an authorization decision
/// depends on them.
fn check_spelling(
    request: &HttpRequest,
    (gate, backend): (&Gate, &Backend),
    envelope: &Envelope<'_>,
) -> Result<(), Refusal> {
    if !tools::need_one_reading(request, backend) {
        return Ok(());
    }
    let checked = envelope.check_spelling(&Asked::of(envelope.params));
    checked.map_err(|doubt| refused(request, (gate, backend), envelope, doubt))
}

/// Logs that a message was rejected, without its content, and returns the error.
pub(super) fn refused(
    request: &HttpRequest,
    (gate, backend): (&Gate, &Backend),
    envelope: &Envelope<'_>,
    doubt: Doubt,
) -> Refusal {
    if envelope.method == "tools/call" {
        origin::tool_refused(request, (gate, &backend.name), envelope, "ambiguous");
    }
    let principal = asker::principal(request).ok().flatten();
    let (server, principal) = (&*backend.name, principal.as_deref().unwrap_or("-"));
    log::warn!(server, principal; "a message for server \"{server}\" is refused: {doubt}");
    doubt.into()
}

async fn initialize(
    request: &HttpRequest,
    gate: &Gate,
    backend: &Arc<Backend>,
    envelope: &Envelope<'_>,
) -> Result<HttpResponse, Refusal> {
    let hello = envelope.params.and_then(Hello::of_client).ok_or_else(|| {
        Refusal::answer(
            error::INVALID_PARAMS,
            "initialize needs params with a protocolVersion, of at most 64 KiB",
        )
    })?;
    let principal = asker::principal(request)?;
    let (seat, result) = gate.hub.open(backend, principal, hello).await?;
    asker::note(request, &seat.room);
    origin::session_opened(request, gate, &seat);
    let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, envelope.id);
    let mut response = HttpResponse::Ok();
    if let Some(id) = &seat.session.id {
        response.insert_header((headers::SESSION, id.as_str()));
    }
    Ok(response.content_type("application/json").body(text))
}

/// Forwards a notification and returns 202: "If the server accepts the input, the server MUST return HTTP
/// status code 202".
async fn notify(
    request: &HttpRequest,
    (gate, seat): (&Gate, &Seat),
    text: &str,
    envelope: &Envelope<'_>,
) -> Result<HttpResponse, Refusal> {
    // A server might execute a call that has no id.
    tools::check(request, (gate, &seat.room.backend), envelope)?;
    let accepted = Ok(HttpResponse::Accepted().finish());
    if envelope.method == "notifications/cancelled" {
        if let Some(id) = envelope.params.and_then(message::cancelled_request) {
            seat.room.cancel(seat.session.serial, id, text);
        }
        return accepted;
    }
    if envelope.method == "notifications/progress" {
        envelope.params.into_iter().for_each(|params| seat.room.progressed(params));
    }
    if envelope.method == ROOTS_CHANGED {
        seat.session.change_roots();
    }
    let withdrawn = seat.room.is_upgraded() || seat.room.is_shared();
    if withdrawn && envelope.method != INITIALIZED && upgrade::is_withdrawn(&envelope.method) {
        return accepted;
    }
    if seat.room.is_shared() && envelope.params.and_then(message::asked_progress).is_some() {
        // The progress tokens of a shared process are those of the proxy, and would name calls of other
        // users.
        return accepted;
    }
    // A notification is meaningless to a server that is not running.
    let Some(child) = seat.room.live().filter(|child| !child.is_backed_up()) else {
        return accepted;
    };
    if envelope.method != INITIALIZED {
        child.notify(splice::line(text, &mut [])).await;
    } else if seat.room.greet() {
        child.notify(splice::line(text, &mut [])).await;
        seat.room.tell_again(&child);
    }
    accepted
}

fn take_answer(seat: &Seat, text: &str, envelope: &Envelope<'_>) -> HttpResponse {
    if !seat.room.answer(text, envelope) {
        log::debug!("{}: a response to no request", seat.room.backend.name);
    }
    HttpResponse::Accepted().finish()
}

/// Serves a batch. 2025-03-26: "implementations MUST support receiving JSON-RPC batches"; later revisions
/// have none.
async fn batch(
    request: &HttpRequest,
    gate: &Gate,
    backend: &Arc<Backend>,
    text: &str,
) -> Result<HttpResponse, Refusal> {
    if !backend.serves(Era::Legacy) {
        return Err(Refusal::modern_only(None));
    }
    let mut messages = Vec::new();
    for item in message::batch(text, BATCH)? {
        let envelope = message::parse(item)?;
        check_spelling(request, (gate, backend), &envelope)
            .map_err(|why| why.with_id(envelope.id))?;
        messages.push((item, envelope));
    }
    let seat = gate.seat(request, backend)?;
    let good = seat.session.revision.has_batches()
        && !messages.is_empty()
        && messages.iter().all(|(_, envelope)| envelope.method != "initialize");
    if !good {
        return Err(Refusal::bad_request("batches are for sessions of 2025-03-26"));
    }
    for (text, envelope) in &messages {
        match envelope.kind {
            Kind::Notification => drop(notify(request, (gate, &seat), text, envelope).await?),
            Kind::Response => drop(take_answer(&seat, text, envelope)),
            Kind::Request => {}
        }
    }
    messages.retain(|(_, envelope)| envelope.kind == Kind::Request);
    if messages.is_empty() {
        return Ok(HttpResponse::Accepted().finish());
    }
    call::calls(request, gate, &seat, &messages).await
}
