//! Responses of modern servers to calls of legacy clients. If a server needs input, the client is asked on the stream of
//! the call, which continues with the answers (MCP "Multi Round-Trip Requests").

use std::sync::{Arc, Weak};

use super::ServerInstance;
use super::round::Round;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::translate::{result, round, tasks};
use crate::process::Process;
use crate::process::call::{Call, ResponseHandler};
use crate::process::respond::deliver;
use crate::process::time::Time;

/// The maximum number of input rounds of one call.
const ROUNDS: u32 = 16;

/// The response handler of a request of a legacy client.
struct ToLegacy {
    instance: Weak<ServerInstance>,
    process: Weak<Process>,
    method: Box<str>,
    /// The request as the server received it, except for its id and its progress token.
    request: Arc<str>,
    round: u32,
}

impl ServerInstance {
    /// Returns the response handler for the answer of `process` to `request`.
    pub fn legacy_taker(
        &self,
        process: &Arc<Process>,
        method: &str,
        request: &str,
    ) -> Arc<dyn ResponseHandler> {
        Arc::new(ToLegacy {
            instance: Weak::clone(&self.me),
            process: Arc::downgrade(process),
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
            None => self.hand_down(call, line, read),
            Some(Err(unfit)) => call.fail(error::INTERNAL, &unfit.to_string()),
            Some(Ok(required)) => self.ask(call, &required),
        }
    }
}

impl ToLegacy {
    fn hand_down(&self, call: Call, line: &Line, read: &Envelope<'_>) {
        let text = line.text();
        let edits = read.result.map(|result| result::to_legacy(text, result, &self.method));
        let edits = edits.into_iter().flatten();
        let edit = edits.fold(JsonEdit::of(text), |edit, (range, with)| {
            edit.replace(text.get(range).unwrap_or_default(), with)
        });
        deliver(call, line, read, edit);
    }

    fn ask(&self, call: Call, required: &round::InputRequired<'_>) {
        let (Some(instance), Some(process)) = (self.instance.upgrade(), self.process.upgrade())
        else {
            return call.fail(error::INTERNAL, "the server has ended");
        };
        if self.round == ROUNDS {
            return call
                .fail(error::INTERNAL, "the server exceeded the maximum number of input rounds");
        }
        let declared =
            instance.initialize.as_ref().map_or("{}", |initialize| &initialize.capabilities);
        for request in &required.requests {
            if let Err(unfit) = request.check(declared) {
                return call.fail(error::INTERNAL, &unfit.to_string());
            }
        }
        // It stays in flight, so that it can be cancelled and is missed when the process ends.
        let (stream, client_id) = (Arc::clone(&call.stream), call.id.clone());
        let session = call.session;
        let next = Self {
            instance: Weak::clone(&self.instance),
            process: Weak::clone(&self.process),
            method: self.method.clone(),
            request: Arc::clone(&self.request),
            round: self.round + 1,
        };
        let next: Arc<dyn ResponseHandler> = Arc::new(next);
        let call = Call { time: Time::default(), handler: Some(next), ..call };
        let id = match process.register(call) {
            Ok(id) => id,
            Err(why) => {
                let failure = error::answer(&client_id, error::INTERNAL, &why.to_string());
                return stream.answer(failure.into());
            }
        };
        let round = Round {
            process: Arc::downgrade(&process),
            session,
            stream,
            request: Arc::clone(&self.request),
            state: required.state.map(str::to_owned),
            questions: Vec::new(),
        };
        if required.requests.is_empty() {
            return round.go_on(id);
        }
        instance.to_modern.rounds.open((process.pid, id), round, required);
    }
}
