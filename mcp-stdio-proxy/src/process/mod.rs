//! One server process: its input, its output, the calls in flight, and its end (stdio transport).

pub mod call;
pub mod calls;
pub mod confinement;
mod defects;
mod exit;
pub mod internal_request;
pub mod launcher;
mod lines;
mod locate;
mod notes;
pub mod pool;
mod pressure;
pub mod quota;
mod reader;
mod reported;
pub mod shortcut;
mod spawn;
mod stderr;
mod stdin;
pub mod submit;
mod supervise;
mod task_calls;
pub mod time;
pub mod traffic;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::access::grants::Admission;
use crate::clock::{now_ms, since_ms};
use crate::config::catalogue::ServerConfig;
use crate::messages::error;
use crate::messages::message::Envelope;
use crate::messages::splice;
use calls::Calls;
use pressure::Pressure;
use quota::Permit;
use shortcut::{Following, Shortcut};
pub use spawn::{Origin, Program, Reason, SpawnError};
use stderr::Tail;
use traffic::Traffic;

/// A handler of server-initiated messages.
pub trait ServerMessageHandler: Send + Sync {
    /// Handles a request or notification of the server, other than progress, or an answer to no call.
    fn handle(&self, process: &Arc<Process>, line: &Bytes, envelope: &Envelope<'_>);
}

/// A running server process.
pub struct Process {
    /// The process, which leads a process group of the same number.
    pub pid: u32,
    /// The number of the process in the life of the proxy. Pids recur.
    pub generation: u64,
    /// The name of the server.
    pub server: Arc<str>,
    /// The configuration that it was started with.
    pub config: Arc<ServerConfig>,
    /// The requests in flight.
    pub calls: Calls,
    stdin: stdin::Stdin,
    handler: OnceLock<Weak<dyn ServerMessageHandler>>,
    /// `true` once it drains: another process replaces it when no call is in flight.
    leaving: AtomicBool,
    /// Cancelled when the process is asked to end.
    ending: CancellationToken,
    /// Cancelled when the process has exited.
    exit: CancellationToken,
    /// Cancelled when no more output will be read.
    silent: CancellationToken,
    /// Cancelled when no process of its group is left.
    gone: CancellationToken,
    status: OnceLock<String>,
    /// The last lines of its standard error.
    tail: Arc<Tail>,
    /// `true` if clients may read those lines.
    explain: bool,
    traffic: Arc<Traffic>,
    /// The backpressure of a reader that has fallen behind.
    pub(crate) pressure: Pressure,
    crashed: AtomicBool,
    used: AtomicU64,
    started: u64,
    permit: Mutex<Option<Permit>>,
    /// The search for the program that a package runner executes.
    following: Option<Following>,
    /// `true` if it was started from memory, without its package runner.
    is_remembered: bool,
    /// `true` once it has answered its first request.
    settled: AtomicBool,
    /// Notifications that the server may still answer with an error.
    notes: notes::Notes,
    told: reported::Told,
    task_calls: task_calls::TaskCalls,
}

/// The unread input in bytes above which new calls are rejected.
const BACKED_UP: usize = 32 << 20;

/// The unread input in bytes above which the process is ended, since the proxy holds it in memory.
const MOST_UNREAD: usize = 2 * BACKED_UP;

impl Process {
    /// Writes a line, whole or not at all.
    pub async fn send(&self, line: Bytes) {
        self.touch();
        self.traffic.sent(line.len());
        self.stdin.write(line).await;
        self.end_if_it_does_not_read();
    }

    /// Writes a line without waiting for other writers.
    pub fn post(&self, line: Bytes) {
        self.touch();
        self.traffic.sent(line.len());
        self.stdin.post(line);
        self.end_if_it_does_not_read();
    }

    /// Returns `true` while the server has much unread input.
    #[must_use]
    pub fn is_backed_up(&self) -> bool {
        self.stdin.waiting() > BACKED_UP
    }

    fn end_if_it_does_not_read(&self) {
        if self.stdin.waiting() > MOST_UNREAD && !self.is_ending() {
            log::warn!(server = &*self.server; "server \"{}\" is ended: it does not read its input", self.server);
            self.end();
        }
    }

    /// Writes a notification, whole or not at all.
    pub async fn notify(&self, line: Bytes) {
        self.notes.add(self.calls.upcoming());
        self.send(line).await;
    }

    /// Writes a notification without waiting for other writers.
    pub fn post_notification(&self, line: Bytes) {
        self.notes.add(self.calls.upcoming());
        self.post(line);
    }

    /// Tells the server that the request `id` is cancelled.
    pub fn cancel(&self, id: u64, reason: &str) {
        if self.cancel_task(id) {
            return;
        }
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"{reason}"}}}}"#
        );
        self.post_notification(splice::line(&text, &mut []));
    }

    /// Ends the calls whose access was revoked, or may have been. Returns their number.
    pub fn end_revoked(&self) -> usize {
        let over = self.calls.take_over();
        let count = over.len();
        for (id, why, call) in over {
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

    /// Sets the handler of server-initiated messages.
    pub fn set_handler(&self, handler: Weak<dyn ServerMessageHandler>) {
        // Set once, when the process is given to an instance.
        let _set = self.handler.set(handler);
    }

    /// Replaces the permit: the process was warm, and now has a user.
    pub fn count_under(&self, permit: Permit) {
        *self.permit.lock() = Some(permit);
    }

    /// Takes the permit, for another process instead of this one.
    pub fn take_permit(&self) -> Option<Permit> {
        self.permit.lock().take()
    }

    /// Returns the user that it was started for.
    #[must_use]
    pub fn user(&self) -> Option<Arc<str>> {
        self.permit.lock().as_ref().and_then(|permit| permit.user().cloned())
    }

    /// Returns `true` if it was started from memory.
    #[must_use]
    pub fn is_remembered(&self) -> bool {
        self.is_remembered
    }

    /// Returns `true` while the package runner has not executed the server, so that the input is still in the pipe.
    #[must_use]
    pub fn is_being_installed(&self) -> bool {
        self.following.is_some() && !self.is_settled() && self.stdin.is_unread()
    }

    /// Records the first answer. Returns the command that starts the server without its package runner, if it could be
    /// seen.
    pub fn settle_start(&self) -> Option<Shortcut> {
        self.settled.store(true, Ordering::Relaxed);
        self.following.as_ref()?.shortcut()
    }

    fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed) || self.has_ended()
    }

    /// Returns `true` if it ended without being asked to.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.crashed.load(Ordering::Relaxed)
    }

    /// Describes its end for clients.
    #[must_use]
    pub fn exit_message(&self) -> String {
        if self.explain { self.exit_report() } else { self.status().to_owned() }
    }

    /// Describes its end for operators, with the last lines of its standard error.
    #[must_use]
    pub fn exit_report(&self) -> String {
        let tail = self.tail.text();
        if tail.is_empty() {
            return self.status().to_owned();
        }
        format!("{}; on stderr: {tail}", self.status())
    }

    /// Describes its end without any output of the server.
    #[must_use]
    pub fn status(&self) -> &str {
        self.status.get().map_or("closed its output", String::as_str)
    }

    /// Returns the time since the last message in either direction.
    #[must_use]
    pub fn idle(&self) -> Duration {
        since_ms(self.used.load(Ordering::Relaxed))
    }

    /// Returns the time since its start.
    #[must_use]
    pub fn age(&self) -> Duration {
        since_ms(self.started)
    }

    /// Returns the time of the last message in either direction, in milliseconds.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Restores the time of the last use after messages that no client caused.
    pub fn set_used(&self, used: u64) {
        self.used.store(used, Ordering::Relaxed);
    }

    fn touch(&self) {
        self.used.store(now_ms(), Ordering::Relaxed);
    }

    /// Records that the process has exited.
    fn exited(&self, status: &str) {
        let (server, pid) = (&*self.server, self.pid);
        let _first = self.status.set(status.to_owned());
        if self.is_ending() {
            log::info!(server, pid; "{server}[{pid}] ended: {status}");
        } else {
            log::warn!(server, pid; "{server}[{pid}] ended by itself: {status}");
        }
        self.exit.cancel();
    }

    /// Records that no more output will be read, and fails all calls.
    fn mark_closed(&self) {
        self.crashed.store(!self.is_ending(), Ordering::Relaxed);
        self.silent.cancel();
        let message = format!(
            "server \"{}\" ended before it answered ({}); the next request starts it again",
            self.server,
            self.exit_message()
        );
        self.calls.fail_all(&message);
        self.end();
    }
}
