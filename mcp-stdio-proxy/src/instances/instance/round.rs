//! The input rounds of legacy clients' calls: the pending questions, and the request that follows the answers.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::ask::next_ask;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::{self, Envelope};
use crate::messages::splice::Payload;
use crate::messages::stream::{Stream, Weight};
use crate::messages::translate::round;
use crate::process::Process;
use crate::process::submit;

/// The pending input rounds.
#[derive(Default)]
pub(super) struct Rounds(Mutex<State>);

#[derive(Default)]
struct State {
    /// Rounds by the process and the id of the call.
    open: HashMap<(u32, u64), Round>,
    /// The call of each request to a client.
    asked: HashMap<u64, (u32, u64)>,
}

/// One round of one call.
pub(super) struct Round {
    pub(super) process: Weak<Process>,
    pub(super) session: u64,
    pub(super) stream: Arc<Stream>,
    pub(super) request: Arc<str>,
    pub(super) state: Option<String>,
    /// The questions: the id at the client, the key of the server, and the answer.
    pub(super) questions: Vec<(u64, String, Option<String>)>,
}

impl Rounds {
    /// Begins a round: sends the questions to the client.
    pub(super) fn open(
        &self,
        key: (u32, u64),
        mut round: Round,
        required: &round::InputRequired<'_>,
    ) {
        let stream = Arc::clone(&round.stream);
        let mut requests = Vec::new();
        for request in &required.requests {
            let id = next_ask();
            requests.push((id, request.to_client(id)));
            round.questions.push((id, request.key.to_string(), None));
        }
        {
            let mut state = self.0.lock();
            state.asked.extend(round.questions.iter().map(|(id, ..)| (*id, key)));
            state.open.insert(key, round);
        }
        for (id, request) in requests {
            stream.push_keyed(id, Payload::from(request));
        }
    }

    /// Moves the questions for the client of `session` from streams without a reader to `stream`, which the client is
    /// about to read. The answer of the call stays on the stream of the call.
    pub(super) fn deliver(&self, session: u64, stream: &Stream) {
        let state = self.0.lock();
        for round in state.open.values().filter(|round| round.session == session) {
            if round.stream.is_read() || stream.is_closed() {
                continue;
            }
            for (id, _, answer) in &round.questions {
                if answer.is_none()
                    && let Some(payload) = round.stream.retract(*id)
                {
                    stream.push_keyed(*id, payload);
                }
            }
        }
    }

    /// Handles a client's answer to the request `id`. Returns `true` if there was such a request.
    pub(super) fn answer(&self, id: u64, read: &Envelope<'_>) -> bool {
        let mut state = self.0.lock();
        let Some(key) = state.asked.remove(&id) else { return false };
        let Some(round) = state.open.get_mut(&key) else { return true };
        if let Some((_, _, answer)) = round.questions.iter_mut().find(|(one, ..)| *one == id) {
            *answer = Some(read.result.unwrap_or_default().to_owned());
        }
        let is_whole = round.questions.iter().all(|(_, _, answer)| answer.is_some());
        if !is_whole && read.error.is_none() {
            return true;
        }
        let Some(round) = state.open.remove(&key) else { return true };
        state.asked.retain(|_, call| *call != key);
        drop(state);
        match read.error {
            Some(failure) => round.give_up(key.1, failure),
            None => round.go_on(key.1),
        }
        true
    }

    /// Removes the rounds of calls that have ended.
    pub(super) fn tidy(&self, process: &Process) {
        let mut state = self.0.lock();
        state.open.retain(|(pid, id), _| *pid == process.pid && process.calls.has(*id));
        let State { open, asked } = &mut *state;
        asked.retain(|_, call| open.contains_key(call));
    }
}

impl Round {
    /// Sends the request again, with the answers of the client.
    pub(super) fn go_on(self, id: u64) {
        let Some(process) = self.process.upgrade() else { return };
        if !process.calls.has(id) {
            // It was cancelled, or is overdue.
            return;
        }
        let answers: Vec<_> = self
            .questions
            .into_iter()
            .filter_map(|(_, key, answer)| Some((key, answer?)))
            .collect();
        let request = &*self.request;
        let params = message::parse(request).ok().and_then(|read| read.params);
        let again = params
            .and_then(|params| round::retry(request, params, &answers, self.state.as_deref()));
        let line = again.and_then(|text| {
            let read = message::parse(&text).ok()?;
            let token = read.params.and_then(message::asked_progress);
            Some(submit::renumbered(JsonEdit::of(&text), (read.id, token), id))
        });
        match line {
            Some(line) => {
                process.calls.touch(id);
                process.post(line);
            }
            None => {
                if let Some(call) = process.calls.take(id) {
                    call.fail(error::INTERNAL, "the request could not be asked again");
                }
            }
        }
    }

    /// Answers the call with the error of a client that cannot answer.
    fn give_up(self, id: u64, failure: &str) {
        let Some(call) = self.process.upgrade().and_then(|process| process.calls.take(id)) else {
            return;
        };
        for (asked, _, answer) in &self.questions {
            if answer.is_none() {
                let text = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{asked}}}}}"#
                );
                self.stream.push(Payload::from(text), Weight::Light);
            }
        }
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"error":{failure}}}"#, call.id);
        call.stream.answer(answer.into());
    }
}
