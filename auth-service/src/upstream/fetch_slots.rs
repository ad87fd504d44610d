//! Limits the number of concurrent fetches that anonymous requests cause, in total and per site.
//!
//! When all slots are taken, a new fetch evicts the oldest one, unless that has just started. A
//! fetch from a responsive host completes before it can be evicted. One from an unresponsive host
//! keeps its slot only until others need it. So a flood of unresponsive hosts does not block other
//! fetches.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

/// The maximum number of concurrent fetches.
const IN_ALL: usize = 64;
/// The maximum number of concurrent fetches from one site.
const PER_SITE: usize = 8;
/// The minimum age of a fetch before it can be evicted.
const GRACE: Duration = Duration::from_millis(500);

/// The slots of all fetches.
#[derive(Default)]
pub(super) struct Slots {
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    last: u64,
    /// The running fetches, oldest first.
    fetches: Vec<Fetch>,
}

struct Fetch {
    number: u64,
    site: Box<str>,
    began: Instant,
    /// Dropped to evict the fetch.
    _stays: oneshot::Sender<Infallible>,
    /// Closed when the fetch has ended.
    ended: oneshot::Receiver<Infallible>,
}

/// A guard of a slot, which is released on drop.
pub(super) struct Slot {
    slots: Arc<Slots>,
    number: u64,
    gave_way: oneshot::Receiver<Infallible>,
    /// Closed when the evicted fetch has ended, so that this one can start.
    turn: Option<oneshot::Receiver<Infallible>>,
    _runs: oneshot::Sender<Infallible>,
}

impl Slots {
    /// Takes a slot for a fetch from `host`. Returns `None` if no slot is free and no fetch can be
    /// evicted.
    pub(super) fn take(self: &Arc<Self>, host: &str) -> Option<Slot> {
        self.take_at(host, Instant::now())
    }

    fn take_at(self: &Arc<Self>, host: &str, now: Instant) -> Option<Slot> {
        let site = site(host);
        let mut taken = self.lock();
        let of_site = taken.fetches.iter().filter(|fetch| &*fetch.site == site).count();
        let turn = if of_site >= PER_SITE {
            Some(taken.evict(now, |fetch| &*fetch.site == site)?)
        } else if taken.fetches.len() >= IN_ALL {
            Some(taken.evict(now, |_| true)?)
        } else {
            None
        };
        let ((stays, gave_way), (runs, ended)) = (oneshot::channel(), oneshot::channel());
        taken.last += 1;
        let number = taken.last;
        taken.fetches.push(Fetch { number, site: site.into(), began: now, _stays: stays, ended });
        Some(Slot { slots: Arc::clone(self), number, gave_way, turn, _runs: runs })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock()
    }
}

impl Taken {
    /// Evicts the oldest fetch for which `may` returns `true`. Returns a channel that closes when
    /// the fetch has ended, or `None` if the fetch is too young.
    fn evict(
        &mut self,
        now: Instant,
        may: impl Fn(&Fetch) -> bool,
    ) -> Option<oneshot::Receiver<Infallible>> {
        let oldest = self.fetches.iter().position(may)?;
        let began = self.fetches.get(oldest)?.began;
        (now.saturating_duration_since(began) >= GRACE).then(|| self.fetches.remove(oldest).ended)
    }
}

impl Slot {
    /// Runs `fetch` in this slot. Returns `None` if it was evicted.
    pub(super) async fn run<T>(mut self, fetch: impl Future<Output = T>) -> Option<T> {
        let turn = self.turn.take();
        let fetch = async {
            if let Some(turn) = turn {
                let _ended = turn.await;
            }
            fetch.await
        };
        tokio::select! {
            biased;
            done = fetch => Some(done),
            _ = &mut self.gave_way => None,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.lock().fetches.retain(|fetch| fetch.number != self.number);
    }
}

/// Returns the registrable domain of `host`, because its owner controls any number of hosts below
/// it. Returns `host` itself if it has no registrable domain.
fn site(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    psl::domain_str(host).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_domain_are_one_site() {
        for (host, expected) in [
            ("a.b.evil.example", "evil.example"),
            ("evil.example", "evil.example"),
            ("evil.example.", "evil.example"),
            ("localhost", "localhost"),
            // Domains below a public suffix belong to different owners.
            ("a.evil.co.uk", "evil.co.uk"),
            ("good.co.uk", "good.co.uk"),
            ("x.app.vercel.app", "app.vercel.app"),
            ("co.uk", "co.uk"),
            ("", ""),
        ] {
            assert_eq!(site(host), expected);
        }
    }

    #[test]
    fn a_site_cannot_take_all_slots() {
        let (slots, now) = (Arc::new(Slots::default()), Instant::now());
        let held: Vec<_> =
            (0..100).filter_map(|n| slots.take_at(&format!("h{n}.evil.example"), now)).collect();
        assert_eq!(held.len(), PER_SITE);
        assert!(slots.take_at("good.example", now).is_some());
        drop(held);
        assert!(slots.take_at("h.evil.example", now).is_some());
    }

    #[test]
    fn the_oldest_gives_way_when_it_has_had_its_time() {
        let (slots, now) = (Arc::new(Slots::default()), Instant::now());
        let mut held: Vec<_> =
            (0..IN_ALL).filter_map(|n| slots.take_at(&format!("silent-{n}.test"), now)).collect();
        assert_eq!(held.len(), IN_ALL);
        assert!(slots.take_at("good.test", now).is_none(), "all have just started");
        assert!(slots.take_at("good.test", now + GRACE).is_some());
        let ended = |slot: &mut Slot| {
            slot.gave_way
                .try_recv()
                .is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
        };
        let ended: Vec<_> = held.iter_mut().map(ended).collect();
        assert_eq!(ended.iter().filter(|&&ended| ended).count(), 1);
        assert!(ended.first().is_some_and(|&first| first), "the first of all");
    }

    #[tokio::test]
    async fn a_fetch_that_gives_way_is_dropped() {
        let (slots, now) = (Arc::new(Slots::default()), Instant::now());
        let first = slots.take_at("a.test", now).unwrap();
        let held: Vec<_> = (1..PER_SITE).map(|_| slots.take_at("a.test", now)).collect();
        let running = tokio::spawn(first.run(std::future::pending::<()>()));
        let late = slots.take_at("a.test", now + GRACE);
        assert!(held.iter().all(Option::is_some) && late.is_some());
        assert_eq!(running.await.unwrap(), None);
        assert_eq!(late.unwrap().run(async { 7 }).await, Some(7));
    }
}
