//! Reads the output of a process and dispatches its messages (stdio transport).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::unix::pipe;

use super::Process;
use super::call::Call;
use super::lines::{Line, Lines, without_breaks};
use super::partial_object::PartialObject;
use crate::messages::array;
use crate::messages::error;
use crate::messages::ids;
use crate::messages::lenient;
use crate::messages::message::{self, Envelope, Kind};
use crate::messages::splice::{Payload, span};
use crate::messages::stream::Weight;

/// The time to wait for remaining output after the process has exited. A descendant may hold the pipe open
/// indefinitely.
const LAST_WORDS: Duration = Duration::from_millis(5);

/// Reads until the end of the output or of the process.
pub(super) async fn read(process: Arc<Process>, mut pipe: pipe::Receiver, limit: usize) {
    let (mut lines, mut begun) = (Lines::new(limit), PartialObject::default());
    let exit = async {
        process.lifecycle.exited().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::pin!(exit);
    loop {
        let line = tokio::select! {
            biased;
            line = lines.next(&mut pipe) => line,
            () = &mut exit => break,
        };
        match line {
            Ok(Some(Line::Whole(line))) => {
                process.activity.received(line.len());
                process.take_line(line, &mut begun);
                process.pressure.ease().await;
            }
            Ok(Some(Line::Unended(line))) => process.take_unended(&line),
            Ok(Some(Line::TooLong(head, tail))) => process.refuse_line(&head, &tail, limit),
            Ok(None) | Err(_) => break,
        }
    }
    process.drain().await;
    process.mark_closed();
}

impl Process {
    /// Records that no more output will be read, and fails all calls.
    fn mark_closed(&self) {
        self.lifecycle.mark_closed();
        let message = format!(
            "server \"{}\" ended before it answered ({}); the next request starts it again",
            self.server,
            self.exit_message()
        );
        self.calls.fail_all(&message);
        self.end();
    }

    /// Waits briefly for the exit status and the last lines of stderr, so that errors can include them.
    async fn drain(&self) {
        let last = async {
            self.lifecycle.exited().await;
            self.diagnostics.stderr.complete().await;
        };
        let _late = tokio::time::timeout(Duration::from_millis(5), last).await;
    }

    fn take_line(self: &Arc<Self>, line: Bytes, begun: &mut PartialObject) {
        let line = match line.last() {
            Some(b'\r') => line.slice(..line.len() - 1),
            _ => line,
        };
        if line.trim_ascii().is_empty() {
            return;
        }
        let read = std::str::from_utf8(&line).ok();
        match read.and_then(|text| Some((text, plain(text)?))) {
            Some((text, envelope)) if memchr::memchr(b'\r', &line).is_none() => {
                self.take_message(&line, text, &envelope);
            }
            // In valid JSON, carriage returns occur only between tokens.
            Some(_) => {
                let line = without_breaks(line);
                let text = std::str::from_utf8(&line).unwrap_or_default();
                if let Ok(envelope) = message::parse(text) {
                    self.take_message(&line, text, &envelope);
                }
            }
            None if read.is_some_and(is_array) => self.take_batch(&without_breaks(line)),
            None => self.take_defective(&line, begun),
        }
    }

    /// Processes a batch, with which a server of 2025-03-26 may answer a batch.
    pub(super) fn take_batch(self: &Arc<Self>, line: &Bytes) {
        let text = std::str::from_utf8(line).unwrap_or_default();
        // One at a time: a list of all items would take eight times the size of the line.
        let _read = array::each(text, |item| {
            let Some(range) = span(text, item) else { return true };
            let part = line.slice(range);
            match plain(item) {
                Some(envelope) => self.take_message(&part, item, &envelope),
                None if item.starts_with('[') => self.noise("a batch in a batch"),
                None => self.take_defective(&part, &mut PartialObject::default()),
            }
            true
        });
    }

    pub(super) fn noise(&self, what: &str) {
        let (server, pid) = (&*self.server, self.pid);
        log::debug!(server, pid; "{server}[{pid}] wrote a line on stdout that is {what}; skipped");
    }

    pub(super) fn take_message(
        self: &Arc<Self>,
        line: &Bytes,
        text: &str,
        envelope: &Envelope<'_>,
    ) {
        self.activity.touch();
        match envelope.kind {
            Kind::Response => self.take_answer(line, envelope),
            Kind::Notification if envelope.method == "notifications/progress" => {
                self.take_progress(line, text, envelope);
            }
            Kind::Request | Kind::Notification => self.say(line, envelope),
        }
    }

    pub(super) fn say(self: &Arc<Self>, line: &Bytes, envelope: &Envelope<'_>) {
        match self.handler.get().and_then(std::sync::Weak::upgrade) {
            Some(handler) => handler.handle(self, line, envelope),
            None => log::debug!("{}: no handler for {}", self.server, envelope.method),
        }
    }

    fn take_answer(self: &Arc<Self>, line: &Bytes, envelope: &Envelope<'_>) {
        let id = ids::number(envelope.id).unwrap_or_default();
        if self.take_of_task(id, line, envelope) {
            return self.input.notifications.answered(id);
        }
        let Some(call) = self.calls.take(id) else { return self.take_stray(line, envelope) };
        self.input.notifications.answered(id);
        answer(call, line, envelope);
    }

    /// Forwards a progress notification. The proxy uses its request ids as progress tokens.
    fn take_progress(&self, line: &Bytes, text: &str, envelope: &Envelope<'_>) {
        let token = envelope.params.and_then(message::progress_token);
        let id = token.and_then(ids::number);
        let Some((stream, theirs)) = id.and_then(|id| self.calls.progress(id)) else {
            return log::debug!("{}: progress for an unknown request", self.server);
        };
        if let Some(range) = token.and_then(|token| span(text, token)) {
            stream.push(Payload::spliced(line, range, &theirs), Weight::Light);
            self.pressure.note(&stream);
        }
    }
}

/// Answers `call` with `line`, of which `envelope` is the envelope.
pub(super) fn answer(call: Call, line: &Bytes, envelope: &Envelope<'_>) {
    if let Some(record) = &call.record {
        record.answered(envelope);
    }
    if let Some(handler) = call.handler.clone() {
        return handler.take(call, line, envelope);
    }
    let text = std::str::from_utf8(line).unwrap_or_default();
    if let Some(shown) = call.tools.as_ref().and_then(|view| view.shown(text, envelope, &call.id)) {
        return call.stream.answer(shown.into());
    }
    match span(text, envelope.id) {
        Some(range) => call.stream.answer(Payload::spliced(line, range, &call.id)),
        None => call.fail(error::INTERNAL, "the answer could not be read"),
    }
}

/// Returns the envelope of a message that every client accepts.
fn plain(text: &str) -> Option<Envelope<'_>> {
    message::parse(text).ok().filter(lenient::is_plain)
}

fn is_array(text: &str) -> bool {
    text.trim_start().starts_with('[') && array::each(text, |_| true).is_some()
}
