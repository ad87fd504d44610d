//! One server process: what is written to it, and what becomes of what it writes (stdio transport).

pub mod call;
pub mod calls;
pub mod confinement;
mod defects;
mod ending;
pub mod environment;
pub mod errand;
pub mod launcher;
mod lines;
mod locate;
mod notes;
pub mod nursery;
mod pressure;
pub mod quota;
mod reader;
pub mod shortcut;
mod spawn;
mod stderr;
mod stdin;
pub mod submit;
mod supervise;
pub mod time;
pub mod traffic;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::catalogue::Entry;
use crate::grants::Admission;
use crate::protocol::error;
use crate::protocol::message::Envelope;
use crate::protocol::splice;
use crate::sync::{now_ms, since_ms};
use calls::Calls;
use pressure::Pressure;
use quota::Permit;
use shortcut::{Following, Shortcut};
pub use spawn::{Origin, Program, Reason, SpawnError};
use stderr::Tail;
pub use supervise::Patience;
use traffic::Traffic;

/// Who hears what a child says unasked.
pub trait Audience: Send + Sync {
    /// A request or notification of the child, other than progress, or an answer that no call waits
    /// for.
    fn heard(&self, child: &Arc<Child>, line: &Bytes, envelope: &Envelope<'_>);
}

/// A running server.
pub struct Child {
    /// The process, which leads a process group of the same number.
    pub pid: u32,
    /// The name of the server.
    pub server: Arc<str>,
    /// The entry that it was started for.
    pub entry: Arc<Entry>,
    /// The requests that wait for it.
    pub calls: Calls,
    stdin: stdin::Stdin,
    audience: OnceLock<Weak<dyn Audience>>,
    /// Another process takes its place as soon as it has done what it has begun.
    leaving: AtomicBool,
    /// Asked to end.
    ending: CancellationToken,
    /// The process has exited.
    exit: CancellationToken,
    /// It will answer nothing more.
    silent: CancellationToken,
    /// Neither it nor anything of its group is left.
    gone: CancellationToken,
    status: OnceLock<String>,
    /// What it wrote last on stderr.
    tail: Arc<Tail>,
    /// Whether clients may read that.
    explain: bool,
    traffic: Arc<Traffic>,
    /// The reader of what it says that is behind.
    pub(crate) pressure: Pressure,
    crashed: AtomicBool,
    used: AtomicU64,
    started: u64,
    permit: Mutex<Option<Permit>>,
    /// The way from a finder to the server.
    following: Option<Following>,
    /// Whether it was started from memory.
    is_remembered: bool,
    /// Whether it has answered its first request.
    settled: AtomicBool,
    /// Notifications that it may answer against the rules.
    notes: notes::Notes,
    told: defects::Told,
}

/// While so many bytes wait for the child to read, clients have to come back later.
const BACKED_UP: usize = 32 << 20;

/// A child that leaves so many bytes unread is ended: what waits is memory of the proxy.
const MOST_UNREAD: usize = 2 * BACKED_UP;

impl Child {
    /// Writes one line, whole or not at all.
    pub async fn send(&self, line: Bytes) {
        self.touch();
        self.traffic.sent(line.len());
        self.stdin.write(line).await;
        self.end_if_it_does_not_read();
    }

    /// Writes one line without waiting for its turn.
    pub fn post(&self, line: Bytes) {
        self.touch();
        self.traffic.sent(line.len());
        self.stdin.post(line);
        self.end_if_it_does_not_read();
    }

    /// Returns `true` while much of what was written to it waits for it to read.
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

    /// Writes a notification without waiting for its turn.
    pub fn post_notification(&self, line: Bytes) {
        self.notes.add(self.calls.upcoming());
        self.post(line);
    }

    /// Tells the child that the answer to `id` is not wanted.
    pub fn cancel(&self, id: u64, reason: &str) {
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"{reason}"}}}}"#
        );
        self.post_notification(splice::line(&text, &mut []));
    }

    /// Ends the calls whose access was revoked, or may have been; returns how many.
    pub fn end_revoked(&self) -> usize {
        let over = self.calls.take_over();
        let count = over.len();
        for (id, why, call) in over {
            self.cancel(id, "the access was revoked");
            call.fail(error::TRANSPORT, &why.to_string());
        }
        count
    }

    /// Ends the call `id`, which has just been written, if its access was revoked meanwhile.
    pub fn settle(&self, id: u64, admission: Option<&Admission>) {
        let Some(why) = admission.and_then(Admission::over) else { return };
        // Whoever took it before may have cancelled it before it was written.
        self.cancel(id, "the access was revoked");
        if let Some(call) = self.calls.take(id) {
            call.fail(error::TRANSPORT, &why.to_string());
        }
    }

    /// Says who hears what the child says unasked.
    pub fn set_audience(&self, audience: Weak<dyn Audience>) {
        // Set once, when the child is given to a room.
        let _set = self.audience.set(audience);
    }

    /// Counts the child under another permit: it was held ready, and now has a user.
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

    /// Returns `true` while a finder has not executed the server: what it was sent is still in the pipe.
    #[must_use]
    pub fn is_being_installed(&self) -> bool {
        self.following.is_some() && !self.is_settled() && self.stdin.is_unread()
    }

    /// Notes that it has answered its first request. Returns how to start the server without the finder, if that
    /// could be seen.
    pub fn settle_start(&self) -> Option<Shortcut> {
        self.settled.store(true, Ordering::Relaxed);
        self.following.as_ref()?.shortcut()
    }

    fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed) || self.has_ended()
    }

    /// Whether it ended without being asked to.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.crashed.load(Ordering::Relaxed)
    }

    /// How it ended, in words for its clients.
    #[must_use]
    pub fn farewell(&self) -> String {
        if self.explain { self.obituary() } else { self.status().to_owned() }
    }

    /// How it ended and what it wrote last on stderr, in words for the operator.
    #[must_use]
    pub fn obituary(&self) -> String {
        let tail = self.tail.text();
        if tail.is_empty() {
            return self.status().to_owned();
        }
        format!("{}; on stderr: {tail}", self.status())
    }

    /// How it ended, without what it wrote.
    #[must_use]
    pub fn status(&self) -> &str {
        self.status.get().map_or("closed its output", String::as_str)
    }

    /// How long nothing was said in either direction.
    #[must_use]
    pub fn idle(&self) -> Duration {
        since_ms(self.used.load(Ordering::Relaxed))
    }

    /// How long it has been running.
    #[must_use]
    pub fn age(&self) -> Duration {
        since_ms(self.started)
    }

    /// When something was last said in either direction, in milliseconds.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Sets back the time of the last use: what was said meanwhile was no use of a client.
    pub fn set_used(&self, used: u64) {
        self.used.store(used, Ordering::Relaxed);
    }

    fn touch(&self) {
        self.used.store(now_ms(), Ordering::Relaxed);
    }

    /// The process has exited.
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

    /// Nothing more will be read from it.
    fn fall_silent(&self) {
        self.crashed.store(!self.is_ending(), Ordering::Relaxed);
        self.silent.cancel();
        let message = format!(
            "server \"{}\" ended before it answered ({}); the next request starts it anew",
            self.server,
            self.farewell()
        );
        self.calls.fail_all(&message);
        self.end();
    }
}
