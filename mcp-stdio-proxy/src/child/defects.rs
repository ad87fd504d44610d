//! Lines of a server that are not well formed. What an official client reads is passed on, what none reads ends
//! the call that it was to answer, and the operator is told of both.

use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Child;
use super::call::Call;
use super::reader::without_breaks;
use crate::protocol::error;
use crate::protocol::lenient::{self, Answer, Defect, Reading};
use crate::protocol::message::{self, Envelope};
use crate::protocol::splice;
use crate::protocol::torn;

/// What is kept of an object that goes on in the next line.
const BEGUN: usize = 16 << 10;
/// The most lines of such an object that are read.
const LINES: usize = 64;

/// The kinds of defects that the operator was told of.
#[derive(Default)]
pub(super) struct Told(Mutex<Vec<Discriminant<Defect>>>);

impl Told {
    /// Returns `true` for the first defect of its kind.
    fn is_new(&self, defect: &Defect) -> bool {
        let (mut told, kind) = (self.0.lock(), discriminant(defect));
        let is_new = !told.contains(&kind);
        if is_new {
            told.push(kind);
        }
        is_new
    }
}

/// The start of an object that did not end in its line.
#[derive(Default)]
pub(super) struct Begun {
    text: String,
    lines: usize,
}

impl Begun {
    fn start(&mut self, text: &str) {
        let end = text.floor_char_boundary(BEGUN);
        text.get(..end).unwrap_or_default().clone_into(&mut self.text);
        self.lines = 1;
    }

    /// Adds a line; returns the answer that can be told by now, after which the rest does not count.
    fn go_on(&mut self, text: &str) -> Option<Answer> {
        if self.lines == 0 {
            return None;
        }
        self.lines += 1;
        self.text.push('\n');
        self.text.push_str(text.get(..text.floor_char_boundary(BEGUN)).unwrap_or_default());
        let found = torn::answers(&self.text).into_iter().find(|answer| answer.id.is_some());
        let is_over = self.lines >= LINES || self.text.len() > BEGUN || !torn::is_open(&self.text);
        if found.is_some() || is_over {
            *self = Self::default();
        }
        found
    }
}

impl Child {
    /// Takes a line that is not a plain message.
    pub(super) fn take_defective(self: &Arc<Self>, line: &Bytes, begun: &mut Begun) {
        let (defect, reading) = lenient::read(line);
        match (reading, defect) {
            (Reading::Message(text), defect) => {
                self.tell_defect(defect.as_ref());
                let line = without_breaks(text.into());
                let text = std::str::from_utf8(&line).unwrap_or_default();
                if let Ok(envelope) = message::parse(text) {
                    self.take_message(&line, text, &envelope);
                }
            }
            (Reading::Batch(text), defect) => {
                self.tell_defect(defect.as_ref());
                self.take_batch(&without_breaks(text.into()));
            }
            (Reading::Answers(answers), Some(defect)) => {
                // Each is failed, whatever became of the one before.
                let known = answers.iter().filter(|answer| self.fail_answer(answer, &defect));
                let is_known = known.count() > 0;
                if !is_known {
                    begun.start(&String::from_utf8_lossy(line));
                }
            }
            _ => self.take_noise(&String::from_utf8_lossy(line), begun),
        }
    }

    /// Takes a line that is no message, unless one goes on in it.
    fn take_noise(self: &Arc<Self>, text: &str, begun: &mut Begun) {
        self.noise("not a JSON-RPC message");
        if torn::is_open(text) {
            begun.start(text);
        } else if let Some(answer) = begun.go_on(text) {
            self.fail_answer(&answer, &Defect::Lines);
        }
    }

    /// Takes what a server has written without a line break, and nothing after it.
    pub(super) fn take_unended(self: &Arc<Self>, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        if !torn::is_open(&text) {
            for answer in torn::answers(&text) {
                self.fail_answer(&answer, &Defect::Unended);
            }
        }
    }

    /// Takes an answer to no call. An error with an id that no request of ours has is one without an id.
    pub(super) fn take_stray(self: &Arc<Self>, line: &Bytes, envelope: &Envelope<'_>) {
        match lenient::unaddressed(envelope) {
            Some(answer) => {
                self.fail_answer(&answer, &Defect::Id);
            }
            // Answered twice, after a cancellation, or never asked.
            None => self.say(line, envelope),
        }
    }

    /// Answers the call that `answer` is for with an error. Returns `false` if it cannot be told which that is.
    fn fail_answer(self: &Arc<Self>, answer: &Answer, defect: &Defect) -> bool {
        let (server, pid) = (&*self.server, self.pid);
        let message = format!("the answer of server \"{server}\" {defect}{answer}");
        let call = self.call_of(answer);
        // What the server says itself is for the client.
        if call.is_some() {
            log::warn!(server, pid; "{server}[{pid}] wrote an answer that {defect}; its call ends with an error");
        } else if self.told.is_new(defect) {
            log::warn!(server, pid; "{server}[{pid}] wrote an answer that {defect}; it is not passed on");
        }
        match (answer.id, call) {
            (_, Some(call)) => call.fail(error::INTERNAL, &message),
            (Some(id), None) => self.fail_elsewhere(id, &message),
            (None, None) => return false,
        }
        true
    }

    fn call_of(&self, answer: &Answer) -> Option<Call> {
        if let Some(id) = answer.id {
            return self.calls.take(id);
        }
        // Servers without a list of notifications refuse them as unknown methods.
        let is_refusal = answer.code == Some(error::METHOD_NOT_FOUND.into());
        if is_refusal && self.notes.blame() {
            return None;
        }
        self.calls.take_only()
    }

    /// Tells whoever has asked something else than a call, if anybody has, that it has failed.
    pub(super) fn fail_elsewhere(self: &Arc<Self>, id: u64, message: &str) {
        let line = Bytes::from(error::answer(&id.to_string(), error::INTERNAL, message));
        let text = std::str::from_utf8(&line).unwrap_or_default();
        if let Ok(envelope) = message::parse(text) {
            self.say(&line, &envelope);
        }
    }

    /// Tells the operator once of a kind of defect that clients do not notice.
    fn tell_defect(&self, defect: Option<&Defect>) {
        let (server, pid) = (&*self.server, self.pid);
        if let Some(defect) = defect.filter(|defect| self.told.is_new(defect)) {
            log::warn!(server, pid;
                "{server}[{pid}] wrote a message that {defect}; it is passed on as official clients read it");
        }
    }

    /// Takes a line over the limit: the call it answers fails, and no other if that can be told.
    pub(super) fn refuse_line(self: &Arc<Self>, head: &[u8], tail: &[u8], limit: usize) {
        let (server, pid) = (&*self.server, self.pid);
        if let Some(id) = torn::request(head) {
            log::warn!(server, pid; "{server}[{pid}] wrote a message of more than {limit} bytes; skipped");
            if let Some(id) = id {
                let why = format!("the request is longer than {limit} bytes");
                self.post(splice::line(&error::answer(&id, error::INTERNAL, &why), &mut []));
            }
            return;
        }
        let message = format!("the answer of server \"{server}\" is longer than {limit} bytes");
        log::warn!(server, pid; "{server}[{pid}]: {message}");
        match torn::id_of(head, tail) {
            Some(id) => match self.calls.take(id) {
                Some(call) => call.fail(error::INTERNAL, &message),
                None => self.fail_elsewhere(id, &message),
            },
            None => self.calls.fail_open(&message),
        }
    }
}
