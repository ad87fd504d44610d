//! Counters of the bytes sent to a server and received from it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Byte counters for both directions, over all processes of a server.
#[derive(Default)]
pub struct Traffic {
    to: AtomicU64,
    from: AtomicU64,
}

impl Traffic {
    pub(super) fn sent(&self, bytes: usize) {
        self.to.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.from.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns the bytes sent to the server and those received from it.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.to.load(Ordering::Relaxed), self.from.load(Ordering::Relaxed))
    }
}
