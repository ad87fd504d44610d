//! The requests of a server for roots.

use std::sync::atomic::AtomicBool;

use tokio::sync::Notify;

/// The state of the server's requests for roots.
#[derive(Default)]
pub(super) struct Roots {
    pub(super) told: Notify,
    /// `true` once a process has requested roots outside of any client request.
    pub(super) are_asked_first: AtomicBool,
}
