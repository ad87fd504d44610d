//! Isolation of users that share a process: which user a resource or a `requestState` belongs to. Requests
//! for per-client state of the server, such as tasks or a log level, are not forwarded (2025-11-25 "Tasks",
//! "Security").

use std::sync::{Arc, Weak};

use super::ServerInstance;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::object::value;
use crate::messages::translate::{shared, tasks};
use crate::process::call::{Call, ResponseHandler};
use crate::process::respond::deliver;

/// The methods whose results may contain a `requestState` (MCP "Multi Round-Trip Requests"), and the one that
/// lists the server's capabilities.
const ANSWERS: [&str; 4] = ["tools/call", "prompts/get", "resources/read", DISCOVER];
const DISCOVER: &str = "server/discover";

impl ServerInstance {
    /// Returns `true` if the method is unavailable where the process serves several users.
    #[must_use]
    pub fn withholds(&self, method: &str) -> bool {
        self.is_shared() && (method.starts_with(tasks::METHODS) || method == "logging/setLevel")
    }

    /// Returns the response handler for `method` of `principal` at a process of 2026-07-28, if the response
    /// needs to be bound to one user.
    pub(super) fn shared_taker(
        &self,
        method: &str,
        principal: Option<Arc<str>>,
    ) -> Option<Arc<dyn ResponseHandler>> {
        let takes = self.is_shared() && ANSWERS.contains(&method);
        let instance = Weak::clone(&self.me);
        takes.then(|| -> Arc<dyn ResponseHandler> {
            Arc::new(ForOne { instance, principal, is_discovery: method == DISCOVER })
        })
    }
}

/// A handler that binds a response to the user that sent the request.
struct ForOne {
    instance: Weak<ServerInstance>,
    principal: Option<Arc<str>>,
    is_discovery: bool,
}

impl ResponseHandler for ForOne {
    fn handle(&self, call: Call, line: &Line, read: &Envelope<'_>) {
        let Some(result) = read.result else { return hand_over(call, line, read, None) };
        if self.is_discovery {
            return hand_over(call, line, read, Some((result, shared::offered(result))));
        }
        let state = value(result, "requestState").filter(|text| text.starts_with('"'));
        let Some(state) = state else { return hand_over(call, line, read, None) };
        let instance = self.instance.upgrade();
        let bound = instance
            .and_then(|instance| instance.server.parking.bind(self.principal.as_deref(), state));
        match bound {
            Some(bound) => hand_over(call, line, read, Some((state, format!("\"{bound}\"")))),
            None => call.fail(error::INTERNAL, "the server was ended"),
        }
    }
}

/// Answers `call` with `line`, optionally with one part replaced.
pub(super) fn hand_over(
    call: Call,
    line: &Line,
    read: &Envelope<'_>,
    part: Option<(&str, String)>,
) {
    let edit = JsonEdit::of(line.text());
    let edit = match part {
        Some((part, with)) => edit.replace(part, with),
        None => edit,
    };
    deliver(call, line, read, edit);
}
