//! Work in the background: deletion of revoked records, and repair of the indexes. One instance at a time
//! does it.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{
    Error, Maintenance, key::Key, lease::Lease, repair::Repair, sweep::Pace, target::Target,
};
use crate::model::UnixTime;

/// The interval between looks at the queue of revocations, which may miss a notification.
const IDLE: Duration = Duration::from_secs(5);

/// The time that the process which revokes has for small deletions of its own.
const HEAD_START: Duration = Duration::from_secs(1);

/// The longest turn before the lease is renewed.
const TURN: Duration = Duration::from_secs(10);

/// The lifetime of the lease, of which a turn takes a third.
const LEASE: Duration = Duration::from_secs(30);

/// The number of revocations that one turn takes from the queue.
const QUEUED: usize = 16;

impl Maintenance {
    /// Deletes revoked records and keeps the indexes complete. Never returns.
    pub async fn keep_house(&self, now: impl Fn() -> UnixTime) {
        let (mut repair, mut failing) = (Repair::default(), false);
        loop {
            // Boxed to keep the futures of the callers small.
            match Box::pin(self.take_turn(&mut repair, &now)).await {
                // More is left.
                Ok(true) => {
                    failing = false;
                    continue;
                }
                Ok(false) => failing = false,
                Err(error) => {
                    if !failing {
                        log::warn!("revoked records were not deleted yet: {error}");
                    }
                    failing = true;
                }
            }
            let woken = self.records.tracker.revocations.notified();
            if timeout(IDLE, woken).await.is_ok() {
                sleep(HEAD_START).await;
            }
        }
    }

    /// Works for one turn if there is something to do and the lease is free. Returns `true` if more is left.
    async fn take_turn(
        &self,
        repair: &mut Repair,
        now: &impl Fn() -> UnixTime,
    ) -> Result<bool, Error> {
        let queue = self.queued().await?;
        let is_indexed = self.is_indexed().await?;
        if queue.is_empty() && is_indexed {
            return Ok(false);
        }
        let lease = Lease::take(&self.records, Key::SweepLease.text(), LEASE).await?;
        let Some(mut lease) = lease else { return Ok(false) };
        let is_done = self.work(queue, is_indexed, repair, (now, &mut lease)).await;
        lease.release(&self.records).await?;
        Ok(!is_done?)
    }

    async fn work(
        &self,
        queue: Vec<(String, u64)>,
        is_indexed: bool,
        repair: &mut Repair,
        (now, lease): (&impl Fn() -> UnixTime, &mut Lease),
    ) -> Result<bool, Error> {
        let mut is_done = true;
        for (name, generation) in queue {
            if !lease.keep(&self.records).await? {
                return Ok(true);
            }
            // An instance of a later version takes the others.
            let Some(target) = Target::parse(&name) else { continue };
            let pace = Pace::until(Instant::now() + TURN);
            let swept = self.records.sweep(&target, generation, pace).await?;
            if swept.grants + swept.others > 0 {
                log::info!(grants = swept.grants, others = swept.others; "revoked records deleted");
            }
            is_done &= swept.is_done;
        }
        if !is_indexed && lease.keep(&self.records).await? {
            is_done &=
                repair.work(&self.records, now(), Pace::until(Instant::now() + TURN)).await?;
        }
        Ok(is_done)
    }

    /// Deletes the records of all revocations, however long it takes.
    pub(in crate::store) async fn finish_sweeps(&self) -> Result<(), Error> {
        loop {
            let mut is_done = true;
            for (name, generation) in self.queued().await? {
                let Some(target) = Target::parse(&name) else { continue };
                let pace = Pace::until(Instant::now() + TURN);
                is_done &= self.records.sweep(&target, generation, pace).await?.is_done;
            }
            if is_done && self.queued().await?.iter().all(|(name, _)| Target::parse(name).is_none())
            {
                return Ok(());
            }
        }
    }

    /// Returns the revocations whose records are still to be deleted, oldest first.
    async fn queued(&self) -> Result<Vec<(String, u64)>, Error> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(Key::Sweeps.text()).arg(0).arg(QUEUED - 1).arg("WITHSCORES");
        Ok(range.query_async(&mut self.records.pool.get().await?).await?)
    }
}
