//! Notifications that a server may still answer with an error, against JSON-RPC 2.0 §4.1: such an error has no id
//! and must not be taken for the answer to a request.

use std::sync::atomic::{AtomicU64, Ordering};

/// Notifications that were written after the last request that was answered.
#[derive(Default)]
pub(super) struct Notes {
    count: AtomicU64,
    /// The id of the next request when the last of them was written; zero if there is none.
    before: AtomicU64,
}

impl Notes {
    /// Notes that a notification is about to be written; the next request will have the id `next`.
    pub(super) fn add(&self, next: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.before.store(next, Ordering::Relaxed);
    }

    /// Notes the answer to the request `id`: a server that reads one message after the other has read the
    /// notifications before it.
    pub(super) fn answered(&self, id: u64) {
        let before = self.before.load(Ordering::Relaxed);
        if before != 0 && id >= before {
            self.before.store(0, Ordering::Relaxed);
            self.count.store(0, Ordering::Relaxed);
        }
    }

    /// Takes one of them to be what an error without an id is about. Returns `false` if there is none.
    pub(super) fn blame(&self) -> bool {
        let less = |count: u64| count.checked_sub(1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_blamed_once_and_not_after_a_later_request_was_answered() {
        let notes = Notes::default();
        assert!(!notes.blame());
        notes.add(1);
        notes.add(3);
        notes.answered(2);
        assert!(notes.blame() && notes.blame() && !notes.blame());
        notes.add(4);
        notes.answered(4);
        assert!(!notes.blame());
    }
}
