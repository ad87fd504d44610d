//! Handling of malformed lines of a server. Lines that some official client accepts are forwarded. Lines that
//! no client accepts fail the call that they were meant to answer. The operator is informed of both.

use std::sync::Arc;

use bytes::Bytes;

use super::Process;
use super::call::Call;
use super::lines::without_breaks;
use super::partial_object::PartialObject;
use crate::messages::defect::{Answer, Defect};
use crate::messages::error;
use crate::messages::lenient::{self, Reading};
use crate::messages::message::{self, Envelope};
use crate::messages::splice;
use crate::messages::torn;

impl Process {
    /// Processes a line that is not a plain message.
    pub(super) fn take_defective(self: &Arc<Self>, line: &Bytes, begun: &mut PartialObject) {
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
                // Every response is failed, even if an earlier one matches no call.
                let known = answers.iter().filter(|answer| self.fail_answer(answer, &defect));
                let is_known = known.count() > 0;
                if !is_known {
                    begun.begin(&String::from_utf8_lossy(line));
                }
            }
            _ => self.take_noise(&String::from_utf8_lossy(line), begun),
        }
    }

    /// Processes a line that is not a message, unless it continues a message.
    fn take_noise(self: &Arc<Self>, text: &str, begun: &mut PartialObject) {
        self.noise("not a JSON-RPC message");
        if torn::is_open(text) {
            begun.begin(text);
        } else if let Some(answer) = begun.append(text) {
            self.fail_answer(&answer, &Defect::Lines);
        }
    }

    /// Processes output without a line break, ignoring anything after it.
    pub(super) fn take_unended(self: &Arc<Self>, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        if !torn::is_open(&text) {
            for answer in torn::answers(&text) {
                self.fail_answer(&answer, &Defect::Unended);
            }
        }
    }

    /// Processes a response that matches no call. An error whose id matches no request of ours counts as one
    /// without an id.
    pub(super) fn take_stray(self: &Arc<Self>, line: &Bytes, envelope: &Envelope<'_>) {
        match lenient::unaddressed(envelope) {
            Some(answer) => {
                self.fail_answer(&answer, &Defect::Id);
            }
            // A duplicate, a late response to a cancelled request, or a response without a request.
            None => self.say(line, envelope),
        }
    }

    /// Fails the call that `answer` belongs to. Returns `false` if the call cannot be determined.
    fn fail_answer(self: &Arc<Self>, answer: &Answer, defect: &Defect) -> bool {
        let (server, pid) = (&*self.server, self.pid);
        let message = format!("the answer of server \"{server}\" {defect}{answer}");
        let call = self.call_of(answer);
        // The server's own error message is included for the client.
        if call.is_some() {
            log::warn!(server, pid; "{server}[{pid}] wrote an answer that {defect}; its call ends with an error");
        } else if self.diagnostics.is_new(defect) {
            log::warn!(server, pid; "{server}[{pid}] wrote an answer that {defect}; it is not forwarded");
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
        // Servers that do not know notifications reject them as unknown methods.
        let is_refusal = answer.code == Some(error::METHOD_NOT_FOUND.into());
        if is_refusal && self.input.notifications.attribute() {
            return None;
        }
        self.calls.take_only()
    }

    /// Reports the failure of a request that is not a call, such as an upstream subscription, to its handler.
    pub(super) fn fail_elsewhere(self: &Arc<Self>, id: u64, message: &str) {
        let line = Bytes::from(error::answer(&id.to_string(), error::INTERNAL, message));
        let text = std::str::from_utf8(&line).unwrap_or_default();
        if let Ok(envelope) = message::parse(text)
            && !self.take_of_task(id, &line, &envelope)
        {
            self.say(&line, &envelope);
        }
    }

    /// Reports a kind of defect that clients do not notice to the operator, once.
    fn tell_defect(&self, defect: Option<&Defect>) {
        let (server, pid) = (&*self.server, self.pid);
        if let Some(defect) = defect.filter(|defect| self.diagnostics.is_new(defect)) {
            log::warn!(server, pid;
                "{server}[{pid}] wrote a message that {defect}; it is forwarded as official clients read it");
        }
    }

    /// Handles a line over the limit. A request of the server is answered with an error. A response fails the
    /// call that it answers, or all pending calls if that call cannot be determined.
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
