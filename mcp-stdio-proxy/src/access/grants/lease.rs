//! The lease on the feed of ended grants: the time for which its silence means that no grant has ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::{now_ms, since_ms};

/// The lease and the instants that it is counted from, in the time of `now_ms`.
#[derive(Debug)]
pub struct Lease {
    length: Duration,
    /// The instant up to which all ended grants are known.
    told: AtomicU64,
    /// The instant before which ended grants may have been missed.
    reset: AtomicU64,
    /// Cancelled and replaced by a reset.
    epoch: Mutex<CancellationToken>,
}

impl Lease {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, told: now_ms().into(), reset: AtomicU64::new(0), epoch: Mutex::default() }
    }

    /// Returns the length of the lease.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// Records that the feed has reported all grants that had ended by `moment`.
    pub fn renew(&self, moment: u64) {
        self.told.fetch_max(moment, Ordering::Relaxed);
    }

    /// Records that ended grants may have been missed, which terminates everything admitted before now.
    pub fn reset(&self) {
        self.reset.store(now_ms() + 1, Ordering::Relaxed);
        std::mem::take(&mut *self.epoch.lock()).cancel();
    }

    /// Returns `true` if the feed has been silent for longer than the lease.
    pub fn is_lost(&self) -> bool {
        since_ms(self.told.load(Ordering::Relaxed)) > self.length
    }

    /// Returns the time for which a request admitted at `moment` may continue without news. Returns `None` if
    /// it may not continue.
    pub(super) fn left(&self, moment: u64) -> Option<Duration> {
        if moment < self.reset.load(Ordering::Relaxed) {
            return None;
        }
        let since = moment.max(self.told.load(Ordering::Relaxed));
        self.length.checked_sub(since_ms(since)).filter(|left| !left.is_zero())
    }

    /// Returns the token that the next reset cancels.
    pub(super) fn epoch(&self) -> CancellationToken {
        self.epoch.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_and_a_new_request_have_a_whole_lease_and_a_reset_ends_what_was_before() {
        let lease = Lease::new(Duration::from_hours(1));
        let before = now_ms();
        assert!(lease.left(before).is_some() && !lease.is_lost());
        let epoch = lease.epoch();
        std::thread::sleep(Duration::from_millis(3));
        lease.reset();
        assert!(epoch.is_cancelled() && !lease.epoch().is_cancelled());
        assert!(lease.left(before).is_none());
        assert!(lease.left(now_ms() + 1).is_some());
        let short = Lease::new(Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(5));
        assert!(short.is_lost() && short.left(before).is_none());
        short.renew(now_ms() + 1000);
        assert!(!short.is_lost() && short.left(before).is_some());
    }
}
