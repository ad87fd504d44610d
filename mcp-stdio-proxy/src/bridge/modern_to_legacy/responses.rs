//! Translation of a legacy server's responses for clients of 2026-07-28.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::instances::connection::Connection;
use crate::instances::key::InstanceKey;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::translate::discover::ServerInfo;
use crate::messages::translate::input::{self, Kind};
use crate::messages::translate::{failure, result};
use crate::process::call::{Call, ResponseHandler};
use crate::process::respond::deliver;

/// A handler that translates the responses to one method into those of a modern server.
struct ToModern {
    method: Box<str>,
    key: Arc<InstanceKey>,
    info: Arc<ServerInfo>,
}

/// Returns the response handler for a request with `method`.
pub(super) fn handler(connection: &Connection, method: &str) -> Arc<dyn ResponseHandler> {
    let (key, info) = (Arc::clone(&connection.key), Arc::clone(&connection.info));
    Arc::new(ToModern { method: method.into(), key, info })
}

impl ToModern {
    fn edit<'a>(&self, text: &'a str, envelope: &Envelope<'_>) -> JsonEdit<'a> {
        if let Some(failure) = envelope.error {
            return failure::to_modern(text, failure);
        }
        let result = envelope.result.unwrap_or_default();
        result::to_modern(text, result, &self.method, self.info.server_info.as_deref())
    }

    /// Returns the response that replaces a `URLElicitationRequiredError`: an `InputRequiredResult` that asks
    /// the client to have the URLs visited and to retry the request. A client without URL elicitation gets an
    /// error instead. Returns `None` for other errors.
    fn visits(&self, id: &str, failure: &str) -> Option<String> {
        if message::error_code(failure) != Some(failure::URL_NEEDED) {
            return None;
        }
        let questions = input::of_error(failure)?;
        match Kind::Elicitation.lacks(self.key.declared(), r#"{"mode":"url"}"#) {
            None => Some(input::required(id, &questions, None)),
            Some(missing) => Some(lacking(id, &missing)),
        }
    }
}

impl ResponseHandler for ToModern {
    fn handle(&self, call: Call, line: &Line, envelope: &Envelope<'_>) {
        let visits = || self.visits(&call.id, envelope.error?);
        if let Some(visits) = call.options.input.as_ref().and_then(|_| visits()) {
            return call.stream.answer(visits.into());
        }
        let edit = self.edit(line.text(), envelope);
        deliver(call, line, envelope, edit);
    }
}

/// Returns the error for a missing capability. "If processing a request requires a capability the client did
/// not include in `io.modelcontextprotocol/clientCapabilities`, the server MUST return" this.
pub(super) fn lacking(id: &str, missing: &Value) -> String {
    let why = "the server needs a capability that the client has not declared";
    let data = json!({ "requiredCapabilities": missing });
    error::answer_with(id, error::MISSING_CAPABILITY, why, &data)
}
