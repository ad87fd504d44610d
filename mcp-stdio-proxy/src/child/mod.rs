//! One server process: what is written to it, and what becomes of what it writes (stdio transport).

pub mod calls;
pub mod environment;
pub mod launcher;
mod lines;
mod locate;
pub mod nursery;
mod reader;
pub mod shortcut;
mod spawn;
mod stderr;
mod stdin;
mod supervise;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::protocol::message::Envelope;
use crate::sync::{now_ms, since_ms};
use calls::Calls;
pub use spawn::{Program, SpawnError};
pub use supervise::Patience;

/// Who hears what a child says unasked.
pub trait Audience: Send + Sync {
    /// A request or notification of the child, other than progress.
    fn heard(&self, child: &Arc<Child>, line: &Bytes, envelope: &Envelope<'_>);
}

/// A running server.
pub struct Child {
    /// The process, which leads a process group of the same number.
    pub pid: u32,
    /// The name of the server.
    pub server: Arc<str>,
    /// The requests that wait for it.
    pub calls: Calls,
    stdin: stdin::Stdin,
    audience: OnceLock<Weak<dyn Audience>>,
    /// Asked to end.
    ending: CancellationToken,
    /// The process has exited.
    exit: CancellationToken,
    /// It will answer nothing more.
    silent: CancellationToken,
    /// Neither it nor anything of its group is left.
    gone: CancellationToken,
    status: OnceLock<String>,
    crashed: AtomicBool,
    used: AtomicU64,
    started: u64,
    _permit: OwnedSemaphorePermit,
}

impl Child {
    /// Writes one line, whole or not at all.
    pub async fn send(&self, line: Bytes) {
        self.touch();
        self.stdin.write(line).await;
    }

    /// Writes one line without waiting for its turn.
    pub fn post(&self, line: Bytes) {
        self.touch();
        self.stdin.post(line);
    }

    /// Says who hears what the child says unasked.
    pub fn set_audience(&self, audience: Weak<dyn Audience>) {
        // Set once, when the child is given to a room.
        let _set = self.audience.set(audience);
    }

    /// Asks the child to end; returns at once.
    pub fn end(&self) {
        self.ending.cancel();
    }

    /// Waits until nothing of the child is left.
    pub async fn ended(&self) {
        self.gone.cancelled().await;
    }

    /// Whether it can still answer.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.silent.is_cancelled() && !self.ending.is_cancelled()
    }

    /// Whether it was asked to end.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Whether it has ended, or can answer nothing more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.silent.is_cancelled()
    }

    /// Whether it ended without being asked to.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.crashed.load(Ordering::Relaxed)
    }

    /// How it ended.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.status.get().map(String::as_str)
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
        let status = self.status().map(|status| format!(" ({status})")).unwrap_or_default();
        let message = format!(
            "server \"{}\" ended before it answered{status}; the next request starts it anew",
            self.server
        );
        self.calls.fail_all(&message);
        self.end();
    }
}
