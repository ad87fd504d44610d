//! Periodic housekeeping: timeouts, idle eviction, session expiry, reload, shutdown.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Hub;
use crate::backend::Backend;
use crate::catalogue::Catalogue;
use crate::child::Child;
use crate::child::time::LONGEST;
use crate::protocol::error;
use crate::room::Room;

/// The interval of housekeeping.
const EVERY: Duration = Duration::from_secs(1);
/// The maximum number of warm processes started per run.
const STARTS: usize = 4;
/// The time that the process of a changed server gets to complete its pending work.
const RENEWAL: Duration = Duration::from_mins(1);
/// The part of the drain timeout that servers may use for their own shutdown, if requests in flight do not
/// need it.
const LEISURE: Duration = Duration::from_millis(800);

impl Hub {
    /// Runs housekeeping, forever.
    pub async fn keep_tidy(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(EVERY.min(self.settings.idle_timeout));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.sweep();
        }
    }

    fn sweep(self: &Arc<Self>) {
        self.nursery.reap();
        // For a process that was started while its grant was being revoked.
        self.end_disowned();
        for room in self.rooms() {
            if let Some(child) = room.live() {
                fail_overdue(&room, &child);
                let is_idle = child.idle() > self.settings.idle_timeout;
                if is_idle && child.calls.is_empty() && !room.is_in_use() {
                    log::info!("{}[{}] is idle; ended", child.server, child.pid);
                    room.retire();
                }
            } else if room.is_missed() && !self.is_draining() {
                let (hub, room) = (Arc::clone(self), Arc::clone(&room));
                // A failure is logged where the process is started.
                tokio::spawn(async move { hub.child(&room).await.map(drop) });
            }
            for id in room.expire(self.settings.session_timeout) {
                self.end(&id);
            }
            if room.is_empty() {
                self.remove(&room);
            }
        }
        self.backends().iter().for_each(|backend| backend.parking.expire());
        if !self.is_draining() {
            // A few at a time, so that many servers do not all start at once.
            self.backends().iter().filter(|backend| backend.prewarm()).take(STARTS).for_each(drop);
        }
    }

    /// Applies a catalogue. Unchanged servers are not affected.
    pub fn apply(&self, catalogue: &Catalogue) {
        let mut backends = self.backends.lock();
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        backends.retain(|name, backend| match catalogue.servers.get(name) {
            Some(entry) if *entry == backend.entry() => true,
            Some(entry) => {
                backend.set_entry(Arc::clone(entry));
                changed.push(Arc::clone(name));
                true
            }
            None => {
                backend.end_warm();
                removed.push(Arc::clone(name));
                false
            }
        });
        for (name, entry) in &catalogue.servers {
            backends.entry(Arc::clone(name)).or_insert_with(|| {
                let (settings, nursery) = (Arc::clone(&self.settings), Arc::clone(&self.nursery));
                Backend::new(Arc::clone(name), Arc::clone(entry), settings, nursery)
            });
        }
        drop(backends);
        for room in self.rooms() {
            if changed.contains(&room.backend.name) {
                room.renew(RENEWAL);
            } else if removed.contains(&room.backend.name) {
                self.forget(&room);
            }
        }
    }

    /// Removes an instance with all its sessions.
    pub(super) fn forget(&self, room: &Arc<Room>) {
        self.seats.lock().retain(|_, seat| !Arc::ptr_eq(&seat.room, room));
        self.remove(room);
    }

    /// Rejects new work, drains requests in flight until the deadline, then stops all processes.
    pub async fn shut_down(&self) {
        self.draining.store(true, Ordering::SeqCst);
        let start = Instant::now();
        let busy = || self.nursery.all().iter().any(|child| !child.calls.is_empty());
        let drained = async {
            while busy() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(self.settings.drain_timeout, drained).await.is_err() {
            log::warn!("requests are still in flight after the deadline; they are dropped");
        }
        for room in self.rooms() {
            self.forget(&room);
        }
        let left = self.settings.drain_timeout.saturating_sub(start.elapsed());
        self.nursery.end_all(left.min(LEISURE)).await;
    }
}

/// Fails overdue requests, and cancels them at the server ("SHOULD issue a cancellation").
fn fail_overdue(room: &Room, child: &Arc<Child>) {
    let Some(timeout) = room.backend.request_timeout() else { return };
    room.expire_asks(child, timeout);
    for (id, call) in child.calls.take_overdue(timeout) {
        child.cancel(id, "timeout");
        let server = &child.server;
        let why = if call.time.is_past_maximum(timeout) {
            let seconds = timeout.saturating_mul(LONGEST).as_secs();
            format!("server \"{server}\" did not finish the request within {seconds} s")
        } else {
            let seconds = timeout.as_secs();
            format!("server \"{server}\" made no progress on the request for {seconds} s")
        };
        call.fail(error::NOT_FOUND, &why);
    }
}
