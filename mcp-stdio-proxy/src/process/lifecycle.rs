//! The lifecycle of a process: it runs, may drain, is asked to end, closes its output, exits, and is gone.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// The state of a process between its start and its end.
#[derive(Default)]
pub struct Lifecycle {
    /// `true` once the process cannot answer any more. It is read for each request, and a `CancellationToken`
    /// takes a lock.
    is_over: AtomicBool,
    /// `true` once it drains: another process replaces it when no call is in flight.
    leaving: AtomicBool,
    /// Cancelled when the process is asked to end.
    ending: CancellationToken,
    /// Cancelled when the process has exited.
    exited: CancellationToken,
    /// Cancelled when no more output will be read.
    closed: CancellationToken,
    /// Cancelled when no process of its group is left.
    gone: CancellationToken,
    status: OnceLock<String>,
    crashed: AtomicBool,
}

impl Lifecycle {
    /// Asks the process to exit, without waiting.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.ending.cancel();
    }

    /// Records that a successor is waiting for the end of this process.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the process is about to exit or has exited, and parts of its process group may remain.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed) || !self.is_live()
    }

    /// Returns `true` while the process accepts new requests.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.is_over.load(Ordering::Acquire)
    }

    /// Returns `true` if the process was asked to exit.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Returns `true` if the process has exited or closed its output.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Returns `true` if the process ended without being asked to.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.crashed.load(Ordering::Relaxed)
    }

    /// Describes the end without any output of the server.
    #[must_use]
    pub fn status(&self) -> &str {
        self.status.get().map_or("closed its output", String::as_str)
    }

    /// Waits until the whole process group has exited.
    pub async fn ended(&self) {
        self.gone.cancelled().await;
    }

    /// Waits until the process is asked to exit.
    pub(super) async fn asked_to_end(&self) {
        self.ending.cancelled().await;
    }

    /// Waits until the process has exited.
    pub(super) async fn exited(&self) {
        self.exited.cancelled().await;
    }

    /// Records that the process has exited, with its status.
    pub(super) fn mark_exited(&self, status: &str) {
        let _first = self.status.set(status.to_owned());
        self.exited.cancel();
    }

    /// Records that no more output will be read.
    pub(super) fn mark_closed(&self) {
        self.crashed.store(!self.is_ending(), Ordering::Relaxed);
        self.is_over.store(true, Ordering::Release);
        self.closed.cancel();
    }

    /// Records that no process of the group is left.
    pub(super) fn mark_gone(&self) {
        self.gone.cancel();
    }
}
