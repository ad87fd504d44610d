//! Isolation of users that share a modern server: which user a `requestState` belongs to (MCP "Multi Round-Trip
//! Requests"), and what a shared server offers (2025-11-25 "Tasks", "Security").

use std::sync::Arc;

use crate::bridge::suspended::SuspendedCalls;
use crate::instances::bridge::ClientRequest;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::object::value;
use crate::messages::translate::shared;
use crate::process::call::{Call, ResponseHandler};
use crate::process::respond::deliver;

/// The methods whose results may contain a `requestState` (MCP "Multi Round-Trip Requests"), and the one that
/// lists the server's capabilities.
const METHODS: [&str; 4] = ["tools/call", "prompts/get", "resources/read", DISCOVER];
const DISCOVER: &str = "server/discover";

/// Returns the response handler for `request`, if the response needs to be bound to its user.
pub(super) fn binding_handler(
    suspended: &Arc<SuspendedCalls>,
    request: &ClientRequest<'_>,
) -> Option<Arc<dyn ResponseHandler>> {
    let method = &*request.envelope.method;
    METHODS.contains(&method).then(|| -> Arc<dyn ResponseHandler> {
        Arc::new(BindToUser {
            suspended: Arc::clone(suspended),
            principal: request.principal.clone(),
            is_discovery: method == DISCOVER,
        })
    })
}

/// A handler that binds a response to the user that sent the request.
struct BindToUser {
    suspended: Arc<SuspendedCalls>,
    principal: Option<Arc<str>>,
    is_discovery: bool,
}

impl ResponseHandler for BindToUser {
    fn handle(&self, call: Call, line: &Line, read: &Envelope<'_>) {
        let edit = JsonEdit::of(line.text());
        let Some(result) = read.result else { return deliver(call, line, read, edit) };
        if self.is_discovery {
            return deliver(call, line, read, edit.replace(result, shared::offered(result)));
        }
        let state = value(result, "requestState").filter(|text| text.starts_with('"'));
        let Some(state) = state else { return deliver(call, line, read, edit) };
        match self.suspended.states().seal_for(self.principal.as_deref(), state) {
            Some(sealed) => deliver(call, line, read, edit.replace(state, format!("\"{sealed}\""))),
            None => call.fail(error::INTERNAL, "no random numbers are available"),
        }
    }
}
