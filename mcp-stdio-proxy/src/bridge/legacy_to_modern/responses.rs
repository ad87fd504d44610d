//! Responses of modern servers to calls of legacy clients. If a server needs input, the call is suspended for an input
//! round (MCP "Multi Round-Trip Requests").

use std::sync::{Arc, Weak};

use super::bridge::LegacyToModern;
use crate::bridge::suspended::Round;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::translate::{result, round, tasks};
use crate::process::call::{Call, ResponseHandler};
use crate::process::respond::deliver;
use crate::process::time::Time;

/// The maximum number of input rounds of one call.
const ROUNDS: u32 = 16;

/// The response handler of a request of a legacy client.
struct ToLegacy {
    bridge: Weak<LegacyToModern>,
    method: Box<str>,
    /// The request as the server received it, except for its id and its progress token.
    request: Arc<str>,
    round: u32,
}

impl LegacyToModern {
    /// Returns the response handler for `request`, as the server receives it.
    pub(super) fn handler(&self, method: &str, request: &str) -> Arc<dyn ResponseHandler> {
        Arc::new(ToLegacy {
            bridge: Weak::clone(&self.me),
            method: method.into(),
            request: request.into(),
            round: 0,
        })
    }
}

impl ResponseHandler for ToLegacy {
    fn handle(&self, call: Call, line: &Line, read: &Envelope<'_>) {
        match read.result.and_then(round::read) {
            None if read.result.is_some_and(tasks::is_task) => {
                call.fail(
                    error::INTERNAL,
                    "the server answers with a task, which the client has not asked for",
                );
            }
            None => {
                let text = line.text();
                let edit = read.result.map_or_else(
                    || JsonEdit::of(text),
                    |result| result::to_legacy(text, result, &self.method),
                );
                deliver(call, line, read, edit);
            }
            Some(Err(unfit)) => call.fail(error::INTERNAL, &unfit.to_string()),
            Some(Ok(required)) => self.suspend(call, &required),
        }
    }
}

impl ToLegacy {
    /// Suspends the call for the input that the server requires.
    fn suspend(&self, call: Call, required: &round::InputRequired<'_>) {
        let Some(bridge) = self.bridge.upgrade() else {
            return call.fail(error::INTERNAL, "the server has ended");
        };
        if self.round == ROUNDS {
            return call
                .fail(error::INTERNAL, "the server exceeded the maximum number of input rounds");
        }
        let declared = bridge.connection.key.declared();
        for request in &required.requests {
            if let Err(unfit) = request.check(declared) {
                return call.fail(error::INTERNAL, &unfit.to_string());
            }
        }
        let (stream, client_id) = (Arc::clone(&call.stream), call.id.clone());
        let round = Round {
            session: call.session,
            stream: Arc::clone(&stream),
            request: Arc::clone(&self.request),
            state: required.state.map(str::to_owned),
        };
        let next: Arc<dyn ResponseHandler> = Arc::new(Self {
            bridge: Weak::clone(&self.bridge),
            method: self.method.clone(),
            request: Arc::clone(&self.request),
            round: self.round + 1,
        });
        // It stays in flight, so that it can be cancelled and is missed when the process ends.
        let call = Call { time: Time::default(), handler: Some(next), ..call };
        match bridge.connection.process.register(call) {
            Ok(id) => bridge.begin_round(id, round, required),
            Err(why) => {
                let failure = error::answer(&client_id, error::INTERNAL, &why.to_string());
                stream.answer(failure.into());
            }
        }
    }
}
