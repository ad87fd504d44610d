//! Input rounds of a modern server's calls: legacy clients are asked on the stream of the call, which continues with
//! their answers (MCP "Multi Round-Trip Requests").

use std::sync::Arc;

use super::bridge::LegacyToModern;
use super::requests::numbered;
use crate::bridge::client_ids::next_client_id;
use crate::bridge::suspended::{Answers, Round, SuspendedCall};
use crate::messages::error;
use crate::messages::ids;
use crate::messages::message::{self, Envelope};
use crate::messages::payload::Payload;
use crate::messages::stream::{Stream, Weight};
use crate::messages::translate::input::{Kind, Question};
use crate::messages::translate::round::{self, InputRequired};

impl LegacyToModern {
    /// Suspends the call `call` for the input that the server requires: sends its questions to the client.
    pub(super) fn begin_round(&self, call: u64, round: Round, required: &InputRequired<'_>) {
        let stream = Arc::clone(&round.stream);
        let questions: Vec<_> = required
            .requests
            .iter()
            .filter_map(|request| {
                let (id, kind) = (next_client_id(), Kind::of(&request.method)?);
                let (key, text) = (request.key.to_string(), request.to_client(id));
                Some(Question { key, id: id.to_string().into(), kind, text, answer: None })
            })
            .collect();
        let process = Arc::clone(&self.connection.process);
        let answers = Answers::Responses(round);
        if questions.is_empty() {
            return go_on(SuspendedCall { process, call, questions, answers });
        }
        let sent = questions.clone();
        self.suspended.add(SuspendedCall { process, call, questions, answers });
        for question in sent {
            if let Some(id) = ids::number(&question.id) {
                stream.push_keyed(id, Payload::from(question.text));
            }
        }
    }

    /// Returns `true` if the call waits for an answer of one of our clients to the request `id`.
    fn waits_for(&self, call: &SuspendedCall, id: u64) -> bool {
        let is_asked = |one: &Question| ids::number(&one.id) == Some(id) && one.answer.is_none();
        call.round().is_some()
            && Arc::ptr_eq(&call.process, &self.connection.process)
            && call.questions.iter().any(is_asked)
    }

    /// Moves the questions for the client of `session` from streams without a reader to `stream`, which the client is
    /// about to read. The response to the call stays on the stream of the call.
    pub(super) fn deliver_questions(&self, session: u64, stream: &Stream) {
        self.suspended.for_each(|call| {
            let Some(round) = call.round().filter(|round| round.session == session) else { return };
            if round.stream.is_read() || stream.is_closed() {
                return;
            }
            for question in call.questions.iter().filter(|one| one.answer.is_none()) {
                if let Some(id) = ids::number(&question.id)
                    && let Some(payload) = round.stream.retract(id)
                {
                    stream.push_keyed(id, payload);
                }
            }
        });
    }

    /// Handles a client's answer to the request `id`. Returns `true` if a call was waiting for it.
    pub(super) fn answer_question(&self, id: u64, read: &Envelope<'_>) -> bool {
        let is_complete = self.suspended.change(
            |call| self.waits_for(call, id),
            |call| {
                let asked = |one: &&mut Question| ids::number(&one.id) == Some(id);
                if let Some(question) = call.questions.iter_mut().find(asked) {
                    question.answer = Some(read.result.unwrap_or_default().to_owned());
                }
                let is_complete = call.questions.iter().all(|one| one.answer.is_some());
                (is_complete || read.error.is_some()).then_some(call.call)
            },
        );
        let Some(complete) = is_complete else { return false };
        let Some(call) = complete else { return true };
        let process = &self.connection.process;
        let round = self.suspended.take(|one| one.round().is_some() && one.is(process, call));
        match (round, read.error) {
            (Some(round), Some(failure)) => give_up(round, failure),
            (Some(round), None) => go_on(round),
            (None, _) => {}
        }
        true
    }
}

/// Sends the request again, with the answers of the client.
fn go_on(suspended: SuspendedCall) {
    let SuspendedCall { process, call, questions, answers } = suspended;
    let Answers::Responses(round) = answers else { return };
    if !process.calls.has(call) {
        // It was cancelled, or is overdue.
        return;
    }
    let answered = questions.into_iter().filter_map(|one| Some((one.key, one.answer?)));
    let answered: Vec<_> = answered.collect();
    let request = &*round.request;
    let params = message::parse(request).ok().and_then(|read| read.params);
    let again =
        params.and_then(|params| round::retry(request, params, &answered, round.state.as_deref()));
    match again.and_then(|text| numbered(&text, call)) {
        Some(line) => {
            process.calls.touch(call);
            process.post(line);
        }
        None => {
            if let Some(call) = process.calls.take(call) {
                call.fail(error::INTERNAL, "the request could not be asked again");
            }
        }
    }
}

/// Answers the call with the error of a client that cannot answer, and withdraws its other questions.
fn give_up(suspended: SuspendedCall, failure: &str) {
    let SuspendedCall { process, call, questions, answers } = suspended;
    let Answers::Responses(round) = answers else { return };
    let Some(call) = process.calls.take(call) else { return };
    for question in questions.iter().filter(|one| one.answer.is_none()) {
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}"#,
            question.id
        );
        round.stream.push(Payload::from(text), Weight::Light);
    }
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"error":{failure}}}"#, call.id);
    call.stream.answer(answer.into());
}
