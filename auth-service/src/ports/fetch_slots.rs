//! Limits the fetches in flight that strangers cause, in all and per site.
//!
//! When all slots are taken, the oldest fetch gives way to a new one unless it has just begun. A fetch
//! from a host that answers ends before that, while those that wait for a silent host hold a slot no
//! longer than the load allows. So a flood of silent hosts does not lock others out.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

/// The most fetches in flight.
const IN_ALL: usize = 64;
/// The most fetches in flight from one site.
const PER_SITE: usize = 8;
/// A fetch that began less than this ago does not give way.
const GRACE: Duration = Duration::from_millis(500);

/// All slots.
#[derive(Default)]
pub(super) struct Slots {
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    last: u64,
    /// The oldest first.
    fetches: Vec<Fetch>,
}

struct Fetch {
    number: u64,
    site: Box<str>,
    began: Instant,
    /// Dropped when the fetch has to give way.
    _stays: oneshot::Sender<Infallible>,
    /// Tells when it has ended.
    ended: oneshot::Receiver<Infallible>,
}

/// A slot that is taken until it is dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    number: u64,
    gave_way: oneshot::Receiver<Infallible>,
    /// The end of the fetch that gave way to this one.
    turn: Option<oneshot::Receiver<Infallible>>,
    _runs: oneshot::Sender<Infallible>,
}

impl Slots {
    /// Takes a slot for a fetch from `host`. Returns `None` if none is free and no fetch gives way.
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
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Makes the oldest of the fetches that `may` give way do so. Returns what tells when it has ended.
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
    /// Runs `fetch` in this slot. Returns `None` if it had to give way.
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

/// Returns the registrable domain of `host`, whose owner has any number of hosts below it; `host` itself
/// if it has none.
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
            // Names below these belong to different people.
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
        assert!(slots.take_at("good.test", now).is_none(), "all have just begun");
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
