//! Translation of a legacy server's responses for modern clients.

use std::sync::{Arc, Weak};

use gateway_contract::revision::Era;

use super::{ServerInstance, questions};
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::object::Edit;
use crate::messages::translate::input::{self, Kind};
use crate::messages::translate::{failure, result};
use crate::process::call::{Call, ResponseHandler};
use crate::process::respond::deliver;

/// A handler that translates the responses to one method into those of a modern server.
struct ToModern {
    method: Box<str>,
    instance: Weak<ServerInstance>,
}

/// Returns the response handler for a request of `principal` with `method`, if the response must be
/// translated.
pub fn handler(
    instance: &ServerInstance,
    method: &str,
    principal: Option<Arc<str>>,
) -> Option<Arc<dyn ResponseHandler>> {
    if instance.pairing.server == Era::Modern {
        return instance.shared_taker(method, principal);
    }
    Some(Arc::new(ToModern { method: method.into(), instance: instance.me.clone() }))
}

impl ToModern {
    fn edits(&self, text: &str, envelope: &Envelope<'_>) -> Vec<Edit> {
        if let Some(failure) = envelope.error {
            return failure::to_modern(text, failure);
        }
        let greeting = self.instance.upgrade().and_then(|instance| instance.greeting());
        let info = greeting.as_ref().and_then(|greeting| greeting.server_info.as_deref());
        let result = envelope.result.unwrap_or_default();
        result::to_modern(text, result, &self.method, info)
    }

    /// Returns the response that replaces a `URLElicitationRequiredError`: an `InputRequiredResult` that asks
    /// the client to have the URLs visited and to retry the request. A client without URL elicitation gets an
    /// error instead. Returns `None` for other errors.
    fn visits(&self, id: &str, failure: &str) -> Option<String> {
        if message::error_code(failure) != Some(failure::URL_NEEDED) {
            return None;
        }
        let questions = input::of_error(failure)?;
        let instance = self.instance.upgrade()?;
        let declared =
            instance.initialize.as_ref().map_or("{}", |initialize| &initialize.capabilities);
        match Kind::Elicitation.lacks(declared, r#"{"mode":"url"}"#) {
            None => Some(input::required(id, &questions, None)),
            Some(missing) => Some(questions::lacking(id, &missing)),
        }
    }
}

impl ResponseHandler for ToModern {
    fn handle(&self, call: Call, line: &Line, envelope: &Envelope<'_>) {
        let visits = || self.visits(&call.id, envelope.error?);
        if let Some(visits) = call.options.input.as_ref().and_then(|_| visits()) {
            return call.stream.answer(visits.into());
        }
        let edits = self.edits(line.text(), envelope).into_iter();
        let edit = edits.fold(JsonEdit::of(line.text()), |edit, (range, with)| {
            edit.replace(line.text().get(range).unwrap_or_default(), with)
        });
        deliver(call, line, envelope, edit);
    }
}
