//! Requests of 2026-07-28, on the same URL as those of earlier revisions: recognition and dispatch (MCP "Versioning and
//! Compatibility").

mod call;
pub(super) mod check;
mod listen;
pub(super) mod param_headers;
mod retry;

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::revision::{self, Era, MODERN};
use tokio::time::timeout;

use super::http_error::HttpError;
use super::{AppState, caller, headers, origin, tools};
use crate::instances::instance::ServerInstance;
use crate::instances::server::Server;
use crate::instances::unavailable::Unavailable;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::{self, Envelope, Kind};
use crate::messages::meta::{self, Asked};
use crate::messages::translate::{shared, tasks};

/// Methods of earlier revisions that this one has removed.
const REMOVED: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
/// The timeout of a discovery, in multiples of the timeout of the era probe.
const PROBES: u32 = 4;
/// Notifications of clients that a legacy server receives from the proxy itself, or not at all.
const WITHDRAWN: [&str; 3] =
    ["notifications/cancelled", "notifications/initialized", "notifications/roots/list_changed"];

/// Returns the metadata of a message of 2026-07-28, "a request carrying modern per-request `_meta`". A message without
/// it counts as one if its headers are of this revision, so that its client learns what is missing.
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

/// Rejects GET and DELETE of clients without a session: "HTTP GET or DELETE to the MCP endpoint: respond with 405".
pub(super) fn refuse_other_methods(request: &HttpRequest) -> Result<(), HttpError> {
    let headers = request.headers();
    if headers.contains_key(headers::SESSION) || !speaks_modern(headers) {
        return Ok(());
    }
    let why = "this revision supports only POST; see subscriptions/listen";
    Err(HttpError::new(StatusCode::METHOD_NOT_ALLOWED, error::TRANSPORT, why))
}

/// Serves one message.
pub(super) async fn serve(
    request: &HttpRequest,
    app: &AppState,
    server: &Arc<Server>,
    asked: &Asked<'_>,
    message: (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    let outcome = dispatch(request, app, server, asked, message);
    if message.1.method != "server/discover" {
        return outcome.await;
    }
    // A client that probes gives up after silence, as after a 5xx. The start continues in the background.
    let outcome = timeout(PROBES * app.registry.settings.timeouts.probe_timeout, outcome)
        .await
        .unwrap_or_else(|_| {
            if server.starter.is_being_installed() {
                let name = Arc::clone(&server.name);
                return Err(Unavailable::Installing { server: name }.into());
            }
            Err(HttpError::answer(error::INTERNAL, "the server is still being started; try again"))
        });
    outcome.map_err(HttpError::for_probe)
}

async fn dispatch(
    request: &HttpRequest,
    app: &AppState,
    server: &Arc<Server>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    // In every case, since the gateway has decided by the headers, which must agree with the body.
    let checked = envelope.check_spelling(asked);
    checked.map_err(|doubt| origin::message_refused(request, (app, server), envelope, doubt))?;
    if envelope.kind == Kind::Request {
        let tolerant = app.registry.settings.tolerate_version_header;
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
    let principal = caller::principal(request)?;
    let instance = app.registry.modern_instance(server, principal.clone(), asked).await?;
    caller::note(request, &instance);
    instance.touch();
    if !instance.key.is_shared() {
        return pass(request, app, &instance, asked, (text, envelope)).await;
    }
    if instance.key.withholds(&envelope.method) {
        return Err(unknown_method());
    }
    let text = of_one(&instance, principal.as_deref(), asked, (text, envelope))?;
    let envelope = message::parse(&text)?;
    pass(request, app, &instance, &Asked::of(envelope.params), (&text, &envelope)).await
}

/// Returns the message of one user as a shared process may receive it: without tasks, and with the `requestState` of the
/// server in place of the sealed one that `principal` received.
fn of_one<'a>(
    instance: &ServerInstance,
    principal: Option<&str>,
    asked: &Asked<'_>,
    (text, envelope): (&'a str, &Envelope<'_>),
) -> Result<Cow<'a, str>, HttpError> {
    let text = match (asked.state(), asked.state_text()) {
        (Some(state), Some(place)) if instance.key.is_discovered() => {
            let state = instance.server.connector.request_state(principal, &state)?;
            Cow::Owned(JsonEdit::of(text).replace(place, state).apply())
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

/// Serves one message that may go to the process of `instance`.
async fn pass(
    request: &HttpRequest,
    app: &AppState,
    instance: &Arc<ServerInstance>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    if envelope.kind == Kind::Notification {
        return notify(request, (app, instance), text, envelope).await;
    }
    if envelope.method == "subscriptions/listen" {
        return listen::listen(request, app, instance, asked, (text, envelope)).await;
    }
    if instance.key.is_discovered() {
        return call::call(request, app, instance, asked, (text, envelope)).await;
    }
    match (&*envelope.method, asked.state()) {
        ("server/discover", _) => {
            let bridge = app.registry.bridge(instance).await?;
            let result = bridge.connection().info.discovered();
            let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, envelope.id);
            Ok(HttpResponse::Ok().content_type("application/json").body(text))
        }
        (method, _) if method.starts_with(tasks::METHODS) => Err(unknown_method()),
        (_, Some(_)) => retry::retry(request, app, instance, asked, (text, envelope)).await,
        (_, None) => call::call(request, app, instance, asked, (text, envelope)).await,
    }
}

/// "If the server does not implement the requested RPC method, it MUST respond with 404".
fn unknown_method() -> HttpError {
    let why = format!("{MODERN} has no such method");
    HttpError::new(StatusCode::NOT_FOUND, error::METHOD_NOT_FOUND, why)
}

/// "This revision of the core protocol defines no client-to-server notifications": those that are
/// not known go to a server that is running.
async fn notify(
    request: &HttpRequest,
    (app, instance): (&AppState, &ServerInstance),
    text: &str,
    envelope: &Envelope<'_>,
) -> Result<HttpResponse, HttpError> {
    tools::check(request, (app, &instance.server), envelope)?;
    instance.notify(text, envelope).await;
    Ok(HttpResponse::Accepted().finish())
}
