//! Calls of legacy clients whose modern server asks for input first: asked of the client on the stream of
//! the call, which goes on when all is answered (MCP "Multi Round-Trip Requests").

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;

use super::Room;
use super::asks::next_ask;
use crate::child::Child;
use crate::child::call::{Call, Taker};
use crate::child::submit;
use crate::child::time::Time;
use crate::protocol::error;
use crate::protocol::message::{self, Envelope};
use crate::protocol::splice::{Payload, span};
use crate::stream::{Stream, Weight};
use crate::translate::{result, round, tasks};

/// The maximum number of input rounds of one call.
const ROUNDS: u32 = 16;

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
struct Round {
    child: Weak<Child>,
    session: u64,
    stream: Arc<Stream>,
    request: Arc<str>,
    state: Option<String>,
    /// The questions: the id at the client, the key of the server, and the answer.
    questions: Vec<(u64, String, Option<String>)>,
}

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
            return call.fail(error::INTERNAL, "the server asks again and again");
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
        room.rounds.open((child.pid, id), round, required);
    }
}

impl Rounds {
    fn open(&self, key: (u32, u64), mut round: Round, required: &round::InputRequired<'_>) {
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

    /// Puts the questions for the client of `session` that are on a stream which nobody reads on `stream`,
    /// which it is about to read. The answer of the call stays where it is expected.
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

    /// Takes a client's answer to the request `id`; whether there was such a request.
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

    /// Forgets what no call waits for any more.
    pub(super) fn tidy(&self, child: &Child) {
        let mut state = self.0.lock();
        state.open.retain(|(pid, id), _| *pid == child.pid && child.calls.has(*id));
        let State { open, asked } = &mut *state;
        asked.retain(|_, call| open.contains_key(call));
    }
}

impl Round {
    /// Asks the server again, with what the client has answered.
    fn go_on(self, id: u64) {
        let Some(child) = self.child.upgrade() else { return };
        if !child.calls.has(id) {
            // Cancelled meanwhile, or overdue.
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
            Some(submit::renumbered(&text, (read.id, token), id, Vec::new()))
        });
        match line {
            Some(line) => {
                child.calls.touch(id);
                child.post(line);
            }
            None => {
                if let Some(call) = child.calls.take(id) {
                    call.fail(error::INTERNAL, "the request could not be asked again");
                }
            }
        }
    }

    /// A client that cannot answer gets its own error as the answer to its call.
    fn give_up(self, id: u64, failure: &str) {
        let Some(call) = self.child.upgrade().and_then(|child| child.calls.take(id)) else {
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
