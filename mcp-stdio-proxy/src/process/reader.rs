//! Reads the output of a process and dispatches its messages (stdio transport).

use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::net::unix::pipe;
use tokio::time::{sleep, timeout};

use super::Process;
use super::lines::{Lines, RawLine};
use super::partial_object::PartialObject;
use super::respond::{progress, respond};
use crate::messages::array;
use crate::messages::ids;
use crate::messages::json_edit::JsonEdit;
use crate::messages::lenient;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope, Kind};

/// The time to wait for remaining output after the process has exited. A descendant may hold the pipe open
/// indefinitely.
const LAST_OUTPUT: Duration = Duration::from_millis(5);

/// The reader of the output of one process.
pub(super) struct Reader {
    pub(super) process: Arc<Process>,
    /// An object that continues on the next line.
    pub(super) partial: PartialObject,
    /// The maximum length of a line.
    pub(super) limit: usize,
}

impl Reader {
    pub(super) fn new(process: Arc<Process>, limit: usize) -> Self {
        Self { process, partial: PartialObject::default(), limit }
    }

    /// Reads until the end of the output or of the process.
    pub(super) async fn run(mut self, mut pipe: pipe::Receiver) {
        let mut lines = Lines::new(self.limit);
        let process = Arc::clone(&self.process);
        let exit = async {
            process.lifecycle.exited().await;
            sleep(LAST_OUTPUT).await;
        };
        tokio::pin!(exit);
        loop {
            let line = tokio::select! {
                biased;
                line = lines.next(&mut pipe) => line,
                () = &mut exit => break,
            };
            match line {
                Ok(Some(RawLine::Whole(line))) => {
                    process.activity.received(line.len());
                    self.handle_line(line);
                    process.handler.replayed().await;
                    process.pressure.ease().await;
                }
                Ok(Some(RawLine::Unended(line))) => self.handle_unended(&line),
                Ok(Some(RawLine::TooLong(head, tail))) => self.handle_too_long(&head, &tail),
                Ok(None) | Err(_) => break,
            }
        }
        self.drain().await;
        self.close();
    }

    /// Waits briefly for the exit status and the last lines of stderr, so that errors can include them.
    async fn drain(&self) {
        let last = async {
            self.process.lifecycle.exited().await;
            self.process.diagnostics.stderr.complete().await;
        };
        let _late = timeout(LAST_OUTPUT, last).await;
    }

    /// Records that no more output will be read, fails all calls, and drops the handler.
    fn close(&self) {
        let process = &self.process;
        process.lifecycle.mark_closed();
        let message = format!(
            "server \"{}\" ended before it answered ({}); the next request starts it again",
            process.server,
            process.exit_message()
        );
        process.calls.fail_all(&message);
        process.end();
        process.handler.close();
    }

    fn handle_line(&mut self, line: Bytes) {
        let line = match line.last() {
            Some(b'\r') => line.slice(..line.len() - 1),
            _ => line,
        };
        if line.trim_ascii().is_empty() {
            return;
        }
        // In valid JSON, carriage returns occur only between tokens, where blanks replace them.
        let has_breaks = memchr::memchr(b'\r', &line).is_some();
        if has_breaks && serde_json::from_slice::<&RawValue>(&line).is_err() {
            return self.handle_defective(&line);
        }
        let Some(read) = Line::new(line.clone()) else { return self.handle_defective(&line) };
        match plain(read.text()) {
            Some(envelope) => self.handle_message(&read, &envelope),
            None if is_array(read.text()) => self.handle_batch(&read),
            None => self.handle_defective(&line),
        }
    }

    /// Processes a batch, with which a server of 2025-03-26 may answer a batch.
    pub(super) fn handle_batch(&mut self, line: &Line) {
        // An item is complete, or continues nowhere.
        let partial = take(&mut self.partial);
        // One at a time: a list of all items would take eight times the size of the line.
        let _read = array::each(line.text(), |item| {
            let Some(part) = line.part(item) else { return true };
            match plain(part.text()) {
                Some(envelope) => self.handle_message(&part, &envelope),
                None if item.starts_with('[') => self.log_skipped("a batch in a batch"),
                None => self.handle_defective(part.bytes()),
            }
            self.partial = PartialObject::default();
            true
        });
        self.partial = partial;
    }

    pub(super) fn log_skipped(&self, what: &str) {
        let (server, pid) = (&*self.process.server, self.process.pid);
        log::debug!(server, pid; "{server}[{pid}] wrote a line on stdout that is {what}; skipped");
    }

    pub(super) fn handle_message(&self, line: &Line, envelope: &Envelope<'_>) {
        self.process.activity.touch();
        match envelope.kind {
            Kind::Response => self.handle_response(line, envelope),
            Kind::Notification if envelope.method == "notifications/progress" => {
                progress(&self.process, line, envelope);
            }
            Kind::Request | Kind::Notification => self.dispatch(line, envelope),
        }
    }

    /// Passes a message to the handler. Until there is one, keeps the message, and answers a `ping` itself.
    pub(super) fn dispatch(&self, line: &Line, envelope: &Envelope<'_>) {
        let process = &self.process;
        let is_ping = envelope.kind == Kind::Request && envelope.method == "ping";
        if is_ping && !process.handler.is_set() {
            let pong = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, envelope.id);
            return process.post(JsonEdit::of(&pong).input());
        }
        if let Some(handler) = process.handler.handler_of(line) {
            handler.handle(process, line, envelope);
        }
    }

    fn handle_response(&self, line: &Line, envelope: &Envelope<'_>) {
        let id = ids::number(envelope.id).unwrap_or_default();
        if !respond(&self.process, id, line, envelope) {
            return self.handle_stray(line, envelope);
        }
        self.process.input.notifications.answered(id);
    }
}

/// Returns the envelope of a message that every client accepts.
fn plain(text: &str) -> Option<Envelope<'_>> {
    message::parse(text).ok().filter(lenient::is_plain)
}

fn is_array(text: &str) -> bool {
    text.trim_start().starts_with('[') && array::each(text, |_| true).is_some()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use parking_lot::Mutex;
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    use super::super::ServerMessageHandler;
    use super::super::spawn::testing::process;
    use super::*;

    #[derive(Default)]
    struct Recorder(Mutex<Vec<String>>);

    impl ServerMessageHandler for Recorder {
        fn handle(&self, _: &Arc<Process>, line: &Line, envelope: &Envelope<'_>) {
            self.0.lock().push(format!("{}{}", envelope.method, envelope.id));
            assert!(line.text().contains(envelope.id));
        }
    }

    #[tokio::test]
    async fn a_process_without_a_handler_answers_pings_and_keeps_the_rest() {
        let (process, input) = process();
        let (output, mut server) = std::io::pipe().unwrap();
        let output = pipe::Receiver::from_owned_fd(output.into()).unwrap();
        let reading = tokio::spawn(Reader::new(Arc::clone(&process), 1 << 20).run(output));
        let mut write = |rest: &str| writeln!(server, r#"{{"jsonrpc":"2.0",{rest}}}"#).unwrap();
        write(r#""id":7,"method":"roots/list""#);
        write(r#""id":9,"result":{}"#);
        write(r#""method":"a""#);
        write(r#""id":"p","method":"ping""#);
        let mut pong = String::new();
        let mut input = BufReader::new(input);
        timeout(Duration::from_secs(5), input.read_line(&mut pong)).await.unwrap().unwrap();
        assert_eq!(pong, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}\n");
        let recorder = Arc::new(Recorder::default());
        process.set_handler(Arc::clone(&recorder) as _);
        assert_eq!(*recorder.0.lock(), ["roots/list7", "9", "a"]);
        write(r#""id":8,"method":"ping""#);
        drop(server);
        reading.await.unwrap();
        assert_eq!(recorder.0.lock().last().unwrap(), "ping8");
        assert!(process.has_ended() && Arc::strong_count(&recorder) == 1);
    }
}
