//! The times and the bytes of a process's messages, by which idle processes are found.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::traffic::Traffic;
use crate::clock::{now_ms, since_ms};

/// The use of a process.
pub struct Activity {
    /// The time of the last message in either direction, in milliseconds.
    used: AtomicU64,
    started: u64,
    traffic: Arc<Traffic>,
}

impl Activity {
    /// Creates the record of a process that starts now. Its bytes are added to `traffic`.
    pub(super) fn new(traffic: Arc<Traffic>) -> Self {
        let started = now_ms();
        Self { used: started.into(), started, traffic }
    }

    /// Returns the time since the last message in either direction.
    #[must_use]
    pub fn idle(&self) -> Duration {
        since_ms(self.used())
    }

    /// Returns the time since the start.
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

    /// Records a message in either direction.
    pub(super) fn touch(&self) {
        self.used.store(now_ms(), Ordering::Relaxed);
    }

    /// Records a message to the server.
    pub(super) fn sent(&self, bytes: usize) {
        self.touch();
        self.traffic.sent(bytes);
    }

    /// Counts a line of the server, which need not be a message.
    pub(super) fn received(&self, bytes: usize) {
        self.traffic.received(bytes);
    }
}
