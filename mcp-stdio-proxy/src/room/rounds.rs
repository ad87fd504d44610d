//! Responses of modern servers to calls of legacy clients. If a server needs input, the client is asked on the stream of
//! the call, which continues with the answers (MCP "Multi Round-Trip Requests").

use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::Room;
use super::round::Round;
use crate::child::Child;
use crate::child::call::{Call, Taker};
use crate::child::time::Time;
use crate::protocol::error;
use crate::protocol::message::{self, Envelope};
use crate::protocol::splice::{Payload, span};
use crate::translate::{result, round, tasks};

/// The maximum number of input rounds of one call.
const ROUNDS: u32 = 16;

/// The response handler of a request of a legacy client.
struct ToLegacy {
    room: Weak<Room>,
    child: Weak<Child>,
    method: Box<str>,
    /// The request as the server received it, except for its id and its progress token.
    request: Arc<str>,
    round: u32,
}

impl Room {
    /// Returns the response handler for the answer of `child` to `request`.
    pub fn legacy_taker(&self, child: &Arc<Child>, method: &str, request: &str) -> Arc<dyn Taker> {
        Arc::new(ToLegacy {
            room: Weak::clone(&self.me),
            child: Arc::downgrade(child),
            method: method.into(),
            request: request.into(),
            round: 0,
        })
    }
}

impl Taker for ToLegacy {
    fn take(&self, call: Call, line: &Bytes, read: &Envelope<'_>) {
        match read.result.and_then(round::read) {
            None if read.result.is_some_and(tasks::is_task) => {
                call.fail(
                    error::INTERNAL,
                    "the server answers with a task, which the client has not asked for",
                );
            }
            None => self.hand_down(&call, line, read),
            Some(Err(unfit)) => call.fail(error::INTERNAL, &unfit.to_string()),
            Some(Ok(required)) => self.ask(call, &required),
        }
    }
}

impl ToLegacy {
    fn hand_down(&self, call: &Call, line: &Bytes, read: &Envelope<'_>) {
        let edits = |text: &str, read: &Envelope<'_>| {
            read.result
                .map(|result| result::to_legacy(text, result, &self.method))
                .unwrap_or_default()
        };
        let text = std::str::from_utf8(line).unwrap_or_default();
        if let Some(shown) = call.tools.as_ref().and_then(|view| view.shown(text, read, &call.id)) {
            let edits = message::parse(&shown).map(|read| edits(&shown, &read)).unwrap_or_default();
            return call.stream.answer(Payload::edited(&Bytes::from(shown), edits));
        }
        let mut edits = edits(text, read);
        edits.extend(span(text, read.id).map(|range| (range, call.id.to_string())));
        call.stream.answer(Payload::edited(line, edits));
    }

    fn ask(&self, call: Call, required: &round::InputRequired<'_>) {
        let (Some(room), Some(child)) = (self.room.upgrade(), self.child.upgrade()) else {
            return call.fail(error::INTERNAL, "the server has ended");
        };
        if self.round == ROUNDS {
            return call
                .fail(error::INTERNAL, "the server exceeded the maximum number of input rounds");
        }
        let declared = room.hello.as_ref().map_or("{}", |hello| &hello.capabilities);
        for request in &required.requests {
            if let Err(unfit) = request.check(declared) {
                return call.fail(error::INTERNAL, &unfit.to_string());
            }
        }
        // It stays in flight, so that it can be cancelled and is missed when the process ends.
        let (stream, client_id) = (Arc::clone(&call.stream), call.id.clone());
        let session = call.session;
        let next = Self {
            room: Weak::clone(&self.room),
            child: Weak::clone(&self.child),
            method: self.method.clone(),
            request: Arc::clone(&self.request),
            round: self.round + 1,
        };
        let next: Arc<dyn Taker> = Arc::new(next);
        let call = Call { time: Time::default(), taker: Some(next), ..call };
        let id = match child.register(call) {
            Ok(id) => id,
            Err(why) => {
                let failure = error::answer(&client_id, error::INTERNAL, &why.to_string());
                return stream.answer(failure.into());
            }
        };
        let round = Round {
            child: Arc::downgrade(&child),
            session,
            stream,
            request: Arc::clone(&self.request),
            state: required.state.map(str::to_owned),
            questions: Vec::new(),
        };
        if required.requests.is_empty() {
            return round.go_on(id);
        }
        room.to_modern.rounds.open((child.pid, id), round, required);
    }
}
