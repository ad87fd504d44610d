//! The starts and failures of a server, for reports.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

/// The history of a server.
#[derive(Default)]
pub struct History {
    /// `true` once any of its processes has completed the handshake.
    is_opened: AtomicBool,
    restarts: AtomicU64,
    last_failure: Mutex<Option<String>>,
}

impl History {
    /// Records that a process has completed the handshake.
    pub(super) fn opened(&self) {
        self.is_opened.store(true, Ordering::Relaxed);
    }

    /// Returns `true` once any process has completed the handshake.
    pub(super) fn is_opened(&self) -> bool {
        self.is_opened.load(Ordering::Relaxed)
    }

    /// Records a crash of a process.
    pub fn crashed(&self, report: &str) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.failed(report);
    }

    /// Records a failed start.
    pub(super) fn failed(&self, report: &str) {
        *self.last_failure.lock() = Some(report.to_owned());
    }

    /// Returns the number of processes that have crashed.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Returns the report of the last failure.
    pub fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().clone()
    }
}
