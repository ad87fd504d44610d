//! Handling of malformed lines of a server. Lines that some official client accepts are forwarded. Lines that
//! no client accepts fail the call that they were meant to answer. The operator is informed of both.

use super::call::Call;
use super::reader::Reader;
use super::respond::respond;
use crate::messages::defect::{Answer, Defect};
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::lenient::{self, Reading};
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::torn;

impl Reader {
    /// Processes a line that is not a plain message.
    pub(super) fn handle_defective(&mut self, line: &[u8]) {
        let (defect, reading) = lenient::read(line);
        match (reading, defect) {
            (Reading::Message(text), defect) => {
                self.report_defect(defect.as_ref());
                let line = Line::from(text);
                if let Ok(envelope) = message::parse(line.text()) {
                    self.handle_message(&line, &envelope);
                }
            }
            (Reading::Batch(text), defect) => {
                self.report_defect(defect.as_ref());
                self.handle_batch(&Line::from(text));
            }
            (Reading::Answers(answers), Some(defect)) => {
                // Every response is failed, even if an earlier one matches no call.
                let known = answers.iter().filter(|answer| self.fail_answer(answer, &defect));
                let is_known = known.count() > 0;
                if !is_known {
                    self.partial.begin(&String::from_utf8_lossy(line));
                }
            }
            _ => self.handle_other(&String::from_utf8_lossy(line)),
        }
    }

    /// Processes a line that is not a message, unless it continues a message.
    fn handle_other(&mut self, text: &str) {
        self.log_skipped("not a JSON-RPC message");
        if torn::is_open(text) {
            self.partial.begin(text);
        } else if let Some(answer) = self.partial.append(text) {
            self.fail_answer(&answer, &Defect::Lines);
        }
    }

    /// Processes output without a line break, ignoring anything after it.
    pub(super) fn handle_unended(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        if !torn::is_open(&text) {
            for answer in torn::answers(&text) {
                self.fail_answer(&answer, &Defect::Unended);
            }
        }
    }

    /// Processes a response that matches no call. An error whose id matches no request of ours counts as one
    /// without an id.
    pub(super) fn handle_stray(&self, line: &Line, envelope: &Envelope<'_>) {
        match lenient::unaddressed(envelope) {
            Some(answer) => {
                self.fail_answer(&answer, &Defect::Id);
            }
            // A duplicate, a late response to a cancelled request, or a response without a request.
            None => self.dispatch(line, envelope),
        }
    }

    /// Fails the call that `answer` belongs to. Returns `false` if the call cannot be determined.
    fn fail_answer(&self, answer: &Answer, defect: &Defect) -> bool {
        let (server, pid) = (&*self.process.server, self.process.pid);
        let message = format!("the answer of server \"{server}\" {defect}{answer}");
        let call = self.call_of(answer);
        // The server's own error message is included for the client.
        if call.is_some() {
            log::warn!(server, pid; "{server}[{pid}] wrote an answer that {defect}; its call ends with an error");
        } else if self.process.diagnostics.is_new(defect) {
            log::warn!(server, pid; "{server}[{pid}] wrote an answer that {defect}; it is not forwarded");
        }
        match (answer.id, call) {
            (_, Some(call)) => call.fail(error::INTERNAL, &message),
            (Some(id), None) => self.fail_other(id, &message),
            (None, None) => return false,
        }
        true
    }

    fn call_of(&self, answer: &Answer) -> Option<Call> {
        if let Some(id) = answer.id {
            return self.process.calls.take(id);
        }
        // Servers that do not know notifications reject them as unknown methods.
        let is_refusal = answer.code == Some(error::METHOD_NOT_FOUND.into());
        if is_refusal && self.process.input.notifications.attribute() {
            return None;
        }
        self.process.calls.take_only()
    }

    /// Reports the failure of a request that is not a call, such as an upstream subscription, to its handler.
    pub(super) fn fail_other(&self, id: u64, message: &str) {
        let line = Line::from(error::answer(&id.to_string(), error::INTERNAL, message));
        if let Ok(envelope) = message::parse(line.text())
            && !respond(&self.process, id, &line, &envelope)
        {
            self.dispatch(&line, &envelope);
        }
    }

    /// Reports a kind of defect that clients do not notice to the operator, once.
    fn report_defect(&self, defect: Option<&Defect>) {
        let (server, pid) = (&*self.process.server, self.process.pid);
        if let Some(defect) = defect.filter(|defect| self.process.diagnostics.is_new(defect)) {
            log::warn!(server, pid;
                "{server}[{pid}] wrote a message that {defect}; it is forwarded as official clients read it");
        }
    }

    /// Handles a line over the limit. A request of the server is answered with an error. A response fails the
    /// call that it answers, or all pending calls if that call cannot be determined.
    pub(super) fn handle_too_long(&self, head: &[u8], tail: &[u8]) {
        let limit = self.limit;
        let (server, pid) = (&*self.process.server, self.process.pid);
        if let Some(id) = torn::request(head) {
            log::warn!(server, pid; "{server}[{pid}] wrote a message of more than {limit} bytes; skipped");
            if let Some(id) = id {
                let why = format!("the request is longer than {limit} bytes");
                self.process.post(JsonEdit::of(&error::answer(&id, error::INTERNAL, &why)).input());
            }
            return;
        }
        let message = format!("the answer of server \"{server}\" is longer than {limit} bytes");
        log::warn!(server, pid; "{server}[{pid}]: {message}");
        match torn::id_of(head, tail) {
            Some(id) => match self.process.calls.take(id) {
                Some(call) => call.fail(error::INTERNAL, &message),
                None => self.fail_other(id, &message),
            },
            None => self.process.calls.fail_open(&message),
        }
    }
}
