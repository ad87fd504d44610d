//! Translation of a legacy server's responses for modern clients.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use gateway_contract::revision::Era;

use super::{Room, questions};
use crate::child::call::{Call, Taker};
use crate::protocol::message::{self, Envelope};
use crate::protocol::object::Edit;
use crate::protocol::splice::{Payload, span};
use crate::translate::input::{self, Kind};
use crate::translate::{failure, result};

/// A handler that translates the responses to one method into those of a modern server.
struct ToModern {
    method: Box<str>,
    room: Weak<Room>,
}

/// Returns the response handler for a request of `principal` with `method`, if the response must be
/// translated.
pub fn taker(room: &Room, method: &str, principal: Option<Arc<str>>) -> Option<Arc<dyn Taker>> {
    if room.pairing.server == Era::Modern {
        return room.shared_taker(method, principal);
    }
    Some(Arc::new(ToModern { method: method.into(), room: room.me.clone() }))
}

impl ToModern {
    fn edits(&self, text: &str, envelope: &Envelope<'_>) -> Vec<Edit> {
        if let Some(failure) = envelope.error {
            return failure::to_modern(text, failure);
        }
        let greeting = self.room.upgrade().and_then(|room| room.greeting());
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
        let room = self.room.upgrade()?;
        let declared = room.hello.as_ref().map_or("{}", |hello| &hello.capabilities);
        match Kind::Elicitation.lacks(declared, r#"{"mode":"url"}"#) {
            None => Some(input::required(id, &questions, None)),
            Some(missing) => Some(questions::lacking(id, &missing)),
        }
    }
}

impl Taker for ToModern {
    fn take(&self, call: Call, line: &Bytes, envelope: &Envelope<'_>) {
        let text = std::str::from_utf8(line).unwrap_or_default();
        let visits = || self.visits(&call.id, envelope.error?);
        if let Some(visits) = call.terms.input.as_ref().and_then(|_| visits()) {
            return call.stream.answer(visits.into());
        }
        let shown = call.tools.as_ref().and_then(|view| view.shown(text, envelope, &call.id));
        if let Some(shown) = shown {
            let edits = message::parse(&shown).map(|envelope| self.edits(&shown, &envelope));
            let shown = Bytes::from(shown);
            return call.stream.answer(Payload::edited(&shown, edits.unwrap_or_default()));
        }
        let mut edits = self.edits(text, envelope);
        edits.extend(span(text, envelope.id).map(|range| (range, call.id.to_string())));
        call.stream.answer(Payload::edited(line, edits));
    }
}
