//! The origin of a request for audit events, and the audit events of tool calls.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, USER_AGENT};
use gateway_contract::agent::program;
use gateway_contract::audit::{EventKind, Outcome};
use gateway_contract::display::log_safe;
use gateway_contract::headers as names;

use super::http_error::HttpError;
use super::{AppState, caller, headers};
use crate::access::audit::{OpenSession, Source, ToolCall, Who};
use crate::instances::server::Server;
use crate::messages::message::{self, Envelope};
use crate::messages::spelling::Doubt;
use crate::sessions::SessionBinding;

/// The id of the request in the logs of the gateway.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static(names::REQUEST_ID);
const ADDRESS: HeaderName = HeaderName::from_static(names::CLIENT_ADDRESS);
const NAME: HeaderName = HeaderName::from_static(names::USER_NAME);
const CLIENT: HeaderName = HeaderName::from_static(names::CLIENT_ID);

/// Returns the origin of a request. The signed identity takes precedence over the plain headers.
pub(super) fn source(request: &HttpRequest) -> Source {
    let all = request.headers();
    let text = |name| headers::text(all, name).filter(|text| !text.is_empty());
    let safe = |name| text(name).map(|text| log_safe(text).into_owned());
    let address = text(ADDRESS).map_or_else(
        || request.peer_addr().map(|peer| peer.ip()),
        |address| address.parse::<IpAddr>().ok(),
    );
    Source {
        who: caller::proven(request).map(|one| Arc::clone(&one.who)).or_else(|| stated(request)),
        address: address.map(|address| address.to_canonical()),
        agent: agent(text(USER_AGENT)),
        request: safe(REQUEST_ID),
    }
}

thread_local! {
    /// The latest `User-Agent` and its kind, since consecutive requests mostly share it.
    static LATEST: RefCell<(String, &'static str)> = const { RefCell::new((String::new(), "")) };
}

/// Returns the kind of program with this `User-Agent`.
fn agent(user_agent: Option<&str>) -> &'static str {
    let Some(text) = user_agent else { return program(None) };
    LATEST.with_borrow_mut(|(latest, kind)| {
        if latest != text {
            (*latest, *kind) = (text.to_owned(), program(Some(text)));
        }
        *kind
    })
}

/// Returns the person named by the plain headers, if there is a gateway without signed identities.
fn stated(request: &HttpRequest) -> Option<Arc<Who>> {
    let safe = |name| headers::text(request.headers(), name).map(log_safe).unwrap_or_default();
    let subject = headers::principal(request.headers()).ok().flatten()?;
    let (name, client) = (safe(NAME).into_owned(), safe(CLIENT).into_owned());
    Some(Arc::new(Who { subject, name, client, ..Who::default() }))
}

/// Records that a session was opened, and arranges that its end is recorded, too.
pub(super) fn session_opened(request: &HttpRequest, app: &AppState, binding: &SessionBinding) {
    let (audit, source) = (app.registry.settings.audit.clone(), source(request));
    binding.session.note_opened(OpenSession::new(audit, source, &binding.instance.server.name));
}

/// Returns the audit record of an admitted message for `server`, if it calls a tool and such calls are
/// recorded.
pub(super) fn tool_call(
    request: &HttpRequest,
    app: &AppState,
    server: &Arc<str>,
    envelope: &Envelope<'_>,
) -> Option<Arc<ToolCall>> {
    let audit = &app.registry.settings.audit;
    if envelope.method != "tools/call" || !audit.records(EventKind::ToolCalled) {
        return None;
    }
    let tool = tool(envelope);
    Some(ToolCall::new(audit.clone(), source(request), Arc::clone(server), tool))
}

/// Records that a tool call at `server` was denied.
pub(super) fn tool_refused(
    request: &HttpRequest,
    (app, server): (&AppState, &str),
    envelope: &Envelope<'_>,
    reason: &'static str,
) {
    let (source, tool) = (source(request), tool(envelope));
    app.registry.settings.audit.write(EventKind::ToolRefused, |event| {
        event.outcome = Outcome::Denied;
        event.reason = Some(reason.into());
        event.server = Some(server.to_owned().into());
        event.tool = Some(tool.into());
        source.add_to(event);
    });
}

/// Logs that a message was rejected, without its content, and returns the error.
pub(super) fn message_refused(
    request: &HttpRequest,
    (app, server): (&AppState, &Server),
    envelope: &Envelope<'_>,
    doubt: Doubt,
) -> HttpError {
    if envelope.method == "tools/call" {
        tool_refused(request, (app, &server.name), envelope, "ambiguous");
    }
    let principal = caller::principal(request).ok().flatten();
    let (server, principal) = (&*server.name, principal.as_deref().unwrap_or("-"));
    log::warn!(server, principal; "a message for server \"{server}\" is refused: {doubt}");
    doubt.into()
}

/// Returns the name of the tool in a log-safe form, since a client can send any text.
fn tool(envelope: &Envelope<'_>) -> String {
    let name = envelope.params.and_then(message::tool_name).unwrap_or_default();
    log_safe(&name).into_owned()
}
