//! Tracking of notifications that a server may still answer with an error, in violation of JSON-RPC 2.0 §4.1.
//! Such an error has no id and must not be attributed to a request.

use std::sync::atomic::{AtomicU64, Ordering};

/// The notifications written since the last answered request.
#[derive(Default)]
pub(super) struct RecentNotifications {
    count: AtomicU64,
    /// The id of the next request at the time of the last notification; zero if there is none.
    before: AtomicU64,
}

impl RecentNotifications {
    /// Counts a notification that is about to be written; the next request will have the id `next`.
    pub(super) fn add(&self, next: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.before.store(next, Ordering::Relaxed);
    }

    /// Records the response to the request `id`. A server that processes messages in order has then read the
    /// notifications before it.
    pub(super) fn answered(&self, id: u64) {
        let before = self.before.load(Ordering::Relaxed);
        if before != 0 && id >= before {
            self.before.store(0, Ordering::Relaxed);
            self.count.store(0, Ordering::Relaxed);
        }
    }

    /// Attributes an error without an id to one of the notifications. Returns `false` if there is none.
    pub(super) fn attribute(&self) -> bool {
        let less = |count: u64| count.checked_sub(1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_blamed_once_and_not_after_a_later_request_was_answered() {
        let recent = RecentNotifications::default();
        assert!(!recent.attribute());
        recent.add(1);
        recent.add(3);
        recent.answered(2);
        assert!(recent.attribute() && recent.attribute() && !recent.attribute());
        recent.add(4);
        recent.answered(4);
        assert!(!recent.attribute());
    }
}
