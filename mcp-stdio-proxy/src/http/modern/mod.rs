//! Requests of 2026-07-28, on the same URL as those of earlier revisions: which they are, and who
//! serves them (MCP "Versioning and Compatibility").

mod call;
pub(super) mod check;
mod listen;
mod retry;

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::revision::{self, Era, MODERN};
use tokio::time::timeout;

use super::refusal::Refusal;
use super::{Gate, asker, headers, post, tools};
use crate::backend::Backend;
use crate::protocol::message::{self, Envelope, Kind};
use crate::protocol::meta::{self, Asked};
use crate::protocol::{error, splice};
use crate::room::{Room, upgrade};
use crate::translate::{shared, tasks};
use crate::unavailable::Unavailable;

/// Methods of earlier revisions that this one has not.
const REMOVED: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
/// How long a discovery may take, in times that a server has to say of which era it is.
const PROBES: u32 = 4;
/// Notifications of a client that a server with a handshake has from the proxy, or none at all.
const WITHDRAWN: [&str; 3] =
    ["notifications/cancelled", "notifications/initialized", "notifications/roots/list_changed"];

/// What a message asks if it is of 2026-07-28: "a request carrying modern per-request `_meta`". One that lacks
/// it is still one if its headers are of this revision, so that it learns what is missing.
pub(super) fn classify<'a>(headers: &HeaderMap, envelope: &Envelope<'a>) -> Option<Asked<'a>> {
    if envelope.params.is_some_and(meta::is_mentioned) {
        let asked = Asked::of(envelope.params);
        if asked.version().is_some() {
            return Some(asked);
        }
    }
    // Clients in the field send a newer version than they negotiated, but not this header.
    let is_bare = headers.contains_key(check::METHOD)
        && envelope.method != "initialize"
        && !headers.contains_key(headers::SESSION)
        && speaks_modern(headers);
    (is_bare || envelope.method == "server/discover").then(|| Asked::of(envelope.params))
}

fn speaks_modern(headers: &HeaderMap) -> bool {
    headers::text(headers, headers::VERSION).is_some_and(revision::is_beyond_handshake)
}

/// "HTTP GET or DELETE to the MCP endpoint: respond with 405", to clients that have no session.
pub(super) fn refuse_other_methods(request: &HttpRequest) -> Result<(), Refusal> {
    let headers = request.headers();
    if headers.contains_key(headers::SESSION) || !speaks_modern(headers) {
        return Ok(());
    }
    let why = "this revision supports only POST; see subscriptions/listen";
    Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error::TRANSPORT, why))
}

/// Serves one message.
pub(super) async fn serve(
    request: &HttpRequest,
    gate: &Gate,
    backend: &Arc<Backend>,
    asked: &Asked<'_>,
    message: (&str, &Envelope<'_>),
) -> Result<HttpResponse, Refusal> {
    let served = dispatch(request, gate, backend, asked, message);
    if message.1.method != "server/discover" {
        return served.await;
    }
    // A client that only asks what is here takes silence, like a 5xx, for the end of the road. The
    // start goes on.
    let served =
        timeout(PROBES * gate.hub.settings.probe_timeout, served).await.unwrap_or_else(|_| {
            if backend.is_being_installed() {
                let name = Arc::clone(&backend.name);
                return Err(Unavailable::Installing { server: name }.into());
            }
            Err(Refusal::answer(error::INTERNAL, "the server is still being started; try again"))
        });
    served.map_err(Refusal::for_probe)
}

async fn dispatch(
    request: &HttpRequest,
    gate: &Gate,
    backend: &Arc<Backend>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, Refusal> {
    // Always: what the headers say is worth what the body says, and the gateway decides by the headers.
    let checked = envelope.check_spelling(asked);
    checked.map_err(|doubt| post::refused(request, (gate, backend), envelope, doubt))?;
    if envelope.kind == Kind::Request {
        let tolerant = gate.hub.settings.tolerate_version_header;
        check::check(request.headers(), envelope, asked, tolerant)?;
        if REMOVED.contains(&&*envelope.method) {
            return Err(unknown_method());
        }
    }
    if envelope.kind == Kind::Notification {
        check::unasked(request.headers(), envelope)?;
    }
    if envelope.kind == Kind::Notification && WITHDRAWN.contains(&&*envelope.method) {
        return Ok(HttpResponse::Accepted().finish());
    }
    let principal = asker::principal(request)?;
    let room = gate.hub.modern_room(backend, principal.clone(), asked).await?;
    asker::note(request, &room);
    room.touch();
    if !room.is_shared() {
        return pass(request, gate, &room, asked, (text, envelope)).await;
    }
    if room.withholds(&envelope.method) {
        return Err(unknown_method());
    }
    let text = of_one(&room, principal.as_deref(), asked, (text, envelope))?;
    let envelope = message::parse(&text)?;
    pass(request, gate, &room, &Asked::of(envelope.params), (&text, &envelope)).await
}

/// Returns the message of one user as a process of several may see it: without tasks, and with the
/// `requestState` of the server instead of the one that `principal` was given for it.
fn of_one<'a>(
    room: &Room,
    principal: Option<&str>,
    asked: &Asked<'_>,
    (text, envelope): (&'a str, &Envelope<'_>),
) -> Result<Cow<'a, str>, Refusal> {
    let text = match (asked.state(), asked.state_text()) {
        (Some(state), Some(place)) if room.pairing.server == Era::Modern => {
            let state = room.backend.parking.unbind(principal, &state);
            let state =
                state.map_err(|why| Refusal::answer(error::INVALID_PARAMS, why.to_string()))?;
            let place = splice::span(text, place).ok_or_else(Refusal::no_session)?;
            Cow::Owned(splice::edited(text, &mut [(place, state)]))
        }
        (None, Some(_)) => return Err(check::invalid("requestState is not a string".to_owned())),
        _ => Cow::Borrowed(text),
    };
    let changed = match &text {
        Cow::Borrowed(text) => shared::request(text, envelope, Era::Modern),
        Cow::Owned(text) => shared::request(text, &message::parse(text)?, Era::Modern),
    };
    Ok(changed.map_or(text, Cow::Owned))
}

/// Serves one message that may go to the process of `room`.
async fn pass(
    request: &HttpRequest,
    gate: &Gate,
    room: &Arc<Room>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, Refusal> {
    if envelope.kind == Kind::Notification {
        return notify(request, (gate, room), text, envelope).await;
    }
    if envelope.method == "subscriptions/listen" {
        return listen::listen(request, gate, room, asked, (text, envelope)).await;
    }
    if room.pairing.server == Era::Modern {
        return call::call(request, gate, room, asked, (text, envelope)).await;
    }
    match (&*envelope.method, asked.state()) {
        ("server/discover", _) => {
            gate.hub.child(room).await?;
            Ok(discovered(room, envelope))
        }
        (method, _) if method.starts_with(tasks::METHODS) => Err(unknown_method()),
        (_, Some(_)) => retry::retry(request, gate, room, asked, (text, envelope)).await,
        (_, None) => call::call(request, gate, room, asked, (text, envelope)).await,
    }
}

/// "If the server does not implement the requested RPC method, it MUST respond with 404".
fn unknown_method() -> Refusal {
    let why = format!("{MODERN} has no such method");
    Refusal::new(StatusCode::NOT_FOUND, error::METHOD_NOT_FOUND, why)
}

fn discovered(room: &Room, envelope: &Envelope<'_>) -> HttpResponse {
    let result = room.greeting().map(|greeting| greeting.discovered()).unwrap_or_default();
    let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, envelope.id);
    HttpResponse::Ok().content_type("application/json").body(text)
}

/// "This revision of the core protocol defines no client-to-server notifications": those that are
/// not known go to a server that is running.
async fn notify(
    request: &HttpRequest,
    (gate, room): (&Gate, &Room),
    text: &str,
    envelope: &Envelope<'_>,
) -> Result<HttpResponse, Refusal> {
    tools::check(request, (gate, &room.backend), envelope)?;
    let token = || envelope.params.and_then(message::asked_progress);
    let is_strange = || upgrade::is_withdrawn(&envelope.method) || token().is_some();
    if room.is_shared() && is_strange() {
        return Ok(HttpResponse::Accepted().finish());
    }
    if let Some(child) = room.live().filter(|child| !child.is_backed_up()) {
        let mut edits = call::edits(room, text, envelope);
        child.notify(splice::line(text, &mut edits)).await;
    }
    Ok(HttpResponse::Accepted().finish())
}
