//! Ids of requests to clients.

use std::sync::atomic::{AtomicU64, Ordering};

/// Returns a unique id for a request to a client. Servers reuse ids, at the latest after a restart.
pub(super) fn next_client_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
