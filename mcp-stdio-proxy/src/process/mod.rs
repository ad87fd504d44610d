//! One server process: its input, its output, the calls in flight, and its end (stdio transport).

pub mod activity;
pub mod call;
pub mod calls;
pub mod confinement;
mod defects;
pub mod diagnostics;
mod follow_runner;
mod handler_slot;
pub mod input_writer;
pub mod internal_request;
mod invocation;
pub mod launcher;
pub mod lifecycle;
mod lines;
mod locate;
mod partial_object;
pub mod pool;
mod pressure;
pub mod program;
pub mod quota;
mod reader;
mod recent_notifications;
pub mod respond;
pub mod shortcut;
mod spawn;
mod spawn_error;
pub mod start_record;
mod stderr;
mod stdin;
pub mod submit;
mod supervise;
pub mod task_calls;
mod task_steps;
pub mod time;
pub mod traffic;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::access::grants::Admission;
use crate::config::catalogue::ServerConfig;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use activity::Activity;
use calls::Calls;
use diagnostics::Diagnostics;
use handler_slot::HandlerSlot;
use input_writer::InputWriter;
pub use invocation::Invocation;
use lifecycle::Lifecycle;
use pressure::Pressure;
pub use program::{Origin, Program};
pub use spawn_error::{Reason, SpawnError};
use start_record::StartRecord;

/// The maximum time for a killed process to disappear.
const GONE: Duration = Duration::from_secs(10);

/// A handler of server-initiated messages.
pub trait ServerMessageHandler: Send + Sync {
    /// Handles a request or notification of the server, other than progress, or an answer to no call.
    fn handle(&self, process: &Arc<Process>, line: &Line, envelope: &Envelope<'_>);
}

/// A running server process.
pub struct Process {
    /// The number of the process, which no other one has as long as the proxy runs. The operating system reuses pids.
    pub generation: u64,
    /// The process, which leads a process group of the same number.
    pub pid: u32,
    /// The name of the server.
    pub server: Arc<str>,
    /// The configuration that it was started with.
    pub config: Arc<ServerConfig>,
    /// The circumstances of its start.
    pub start: StartRecord,
    /// The state between start and end.
    pub lifecycle: Arc<Lifecycle>,
    /// The times and the bytes of its messages.
    pub activity: Arc<Activity>,
    /// The requests in flight.
    pub calls: Calls,
    /// The writer of its input.
    input: InputWriter,
    handler: HandlerSlot<dyn ServerMessageHandler>,
    /// The backpressure of a reader that has fallen behind.
    pub(crate) pressure: Pressure,
    diagnostics: Diagnostics,
}

impl Process {
    /// Writes a line, whole or not at all.
    pub async fn send(&self, line: Bytes) {
        self.input.send(line).await;
    }

    /// Writes a line without waiting for other writers.
    pub fn post(&self, line: Bytes) {
        self.input.post(line);
    }

    /// Writes a notification, whole or not at all.
    pub async fn notify(&self, line: Bytes) {
        self.input.notify(line, self.calls.upcoming()).await;
    }

    /// Writes a notification without waiting for other writers.
    pub fn post_notification(&self, line: Bytes) {
        self.input.post_notification(line, self.calls.upcoming());
    }

    /// Returns `true` while the server has much unread input.
    #[must_use]
    pub fn is_backed_up(&self) -> bool {
        self.input.is_backed_up()
    }

    /// Tells the server that the request `id` is cancelled.
    pub fn cancel(&self, id: u64, reason: &str) {
        if self.calls.tasks.cancel(self, id) {
            return;
        }
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"{reason}"}}}}"#
        );
        self.post_notification(JsonEdit::of(&text).input());
    }

    /// Ends the calls whose access was revoked, or may have been. Returns their number.
    pub fn end_revoked(&self) -> usize {
        let revoked = self.calls.take_revoked();
        let count = revoked.len();
        for (id, why, call) in revoked {
            self.cancel(id, "the access was revoked");
            call.fail(error::TRANSPORT, &why.to_string());
        }
        count
    }

    /// Ends the call `id`, which has just been sent, if its access was revoked meanwhile.
    pub fn settle(&self, id: u64, admission: Option<&Admission>) {
        let Some(why) = admission.and_then(Admission::over) else { return };
        // Another task may have removed the call, and cancelled it before it was sent.
        self.cancel(id, "the access was revoked");
        if let Some(call) = self.calls.take(id) {
            call.fail(error::TRANSPORT, &why.to_string());
        }
    }

    /// Sets the handler of server-initiated messages, and passes to it those that came before it. It is held until the
    /// output ends, also if it holds the process itself. Does nothing if there is a handler already.
    pub fn set_handler(self: &Arc<Self>, handler: Arc<dyn ServerMessageHandler>) {
        self.handler.set(handler, |handler, line| {
            if let Ok(envelope) = message::parse(line.text()) {
                handler.handle(self, line, &envelope);
            }
        });
    }

    /// Describes its end for clients.
    #[must_use]
    pub fn exit_message(&self) -> String {
        self.diagnostics.exit_message(self.status())
    }

    /// Describes its end for operators, with the last lines of its standard error.
    #[must_use]
    pub fn exit_report(&self) -> String {
        self.diagnostics.exit_report(self.status())
    }

    /// Describes its end without any output of the server.
    #[must_use]
    pub fn status(&self) -> &str {
        self.lifecycle.status()
    }

    /// Returns the time since the last message in either direction.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.activity.idle()
    }

    /// Asks the process to exit, without waiting.
    pub fn end(&self) {
        self.lifecycle.end();
    }

    /// Records that a successor is waiting for the end of this process.
    pub fn leave(&self) {
        self.lifecycle.leave();
    }

    /// Waits until the process's whole process group has exited; requests termination after `grace`.
    pub async fn exit_within(&self, grace: Duration) {
        if timeout(grace, self.ended()).await.is_ok() {
            return;
        }
        self.end();
        if timeout(GONE, self.ended()).await.is_err() {
            log::warn!(
                "{}[{}] cannot be ended; another process is started beside it",
                self.server,
                self.pid
            );
        }
    }

    /// Waits until the process's whole process group has exited.
    pub async fn ended(&self) {
        self.lifecycle.ended().await;
    }

    /// Returns `true` while the process accepts new requests.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.lifecycle.is_live()
    }

    /// Returns `true` if the process was asked to exit.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.lifecycle.is_ending()
    }

    /// Returns `true` if the process has exited or closed its output.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.lifecycle.has_ended()
    }

    /// Returns `true` if it ended without being asked to.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.lifecycle.crashed()
    }
}
