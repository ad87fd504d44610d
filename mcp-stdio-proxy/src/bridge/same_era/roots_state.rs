//! The state of a legacy server's requests for roots.

use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::bridge::requests::SETTLING;

/// The state of the server's requests for roots.
#[derive(Default)]
pub(super) struct Roots {
    /// Notified when the proxy has sent the roots of previous sessions.
    pub(super) restored: Notify,
    /// The time at which the server last received the roots of a client.
    sent: Mutex<Option<Instant>>,
}

impl Roots {
    /// Records that the server has received the roots of a client.
    pub(super) fn sent(&self) {
        *self.sent.lock() = Some(Instant::now());
    }

    /// Returns `true` if the server received roots so recently that it may still be processing them.
    pub(super) fn are_settling(&self) -> bool {
        self.sent.lock().is_some_and(|sent| sent.elapsed() < SETTLING)
    }
}
