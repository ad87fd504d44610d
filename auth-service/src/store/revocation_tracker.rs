//! Cache of token liveness. A token that was found live counts as live until Redis sends an
//! invalidation for it (`CLIENT TRACKING`, see `tracking.rs`). The cache is valid only while the
//! invalidation connection is up.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::Notify;

use super::key::{GENERATIONS, Key, SERVER_GENERATIONS};
use crate::model::Identifier;

/// The number of changes to remember individually. On overflow, the whole cache is invalidated.
const CHANGES: usize = 16_384;

/// The liveness entry of one access token.
#[derive(Debug)]
pub struct LivenessEntry {
    grant: u64,
    access: u64,
    /// The logical time just before the lookup that found the token live; 0 if there was none.
    confirmed: AtomicU64,
    /// The counter of revocations at the latest look at the generations of the grant, plus one; 0 if there
    /// was none.
    pub(super) checked: AtomicU64,
    /// The hashed keys of the generations of the servers of the grant, once the grant was looked at. A token does
    /// not tell all servers of its grant.
    servers: OnceLock<Box<[u64]>>,
}

/// A key whose value is cached, with the time of the lookup.
#[derive(Debug)]
pub(super) struct TrackedKey {
    key: u64,
    /// The logical time just before the lookup, or `None` if its result must not be cached.
    confirmed: Option<u64>,
}

/// The tracker of revocations, fed by the invalidation messages of Redis.
///
/// Time is logical: each change increments it. The result of a lookup is dated to the time just
/// before the lookup was sent. An invalidation may arrive while the reply is in flight.
pub(super) struct RevocationTracker {
    hasher: RandomState,
    /// The current logical time: the number of changes so far, plus one.
    moment: AtomicU64,
    /// Confirmations from before this logical time are invalid.
    floor: AtomicU64,
    /// The logical time of the latest change to a generation.
    revoked: AtomicU64,
    /// The logical time of the latest change to the generation of a server.
    servers_revoked: AtomicU64,
    /// Wakes the task that deletes revoked records.
    pub(super) revocations: Notify,
    /// The number of the connection that delivers invalidations; 0 if there is none.
    link: AtomicU64,
    links: AtomicU64,
    started: Instant,
    /// The end of the invalidation lease, in nanoseconds since `started`. Until then, silence means
    /// that nothing changed.
    lease: AtomicU64,
    changes: RwLock<HashMap<u64, u64>>,
}

impl RevocationTracker {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            moment: AtomicU64::new(1),
            floor: AtomicU64::new(1),
            revoked: AtomicU64::new(1),
            servers_revoked: AtomicU64::new(1),
            revocations: Notify::new(),
            link: AtomicU64::new(0),
            links: AtomicU64::new(0),
            started: Instant::now(),
            lease: AtomicU64::new(0),
            changes: RwLock::default(),
        }
    }

    /// Creates an unconfirmed liveness entry for an access token.
    pub(super) fn liveness(&self, grant: &Identifier, jti: &Identifier) -> LivenessEntry {
        LivenessEntry {
            grant: self.hash(Key::Grant(grant).text().as_bytes()),
            access: self.hash(Key::Access(grant, jti).text().as_bytes()),
            confirmed: AtomicU64::new(0),
            checked: AtomicU64::new(0),
            servers: OnceLock::new(),
        }
    }

    /// Notes the keys of the generations of the servers of the grant of `token`, which never change.
    pub(super) fn note_servers(&self, token: &LivenessEntry, keys: &[String]) {
        let hashes = || keys.iter().map(|key| self.hash(key.as_bytes())).collect();
        let _noted = token.servers.get_or_init(hashes);
    }

    /// Returns `true` if the token was found live and has not been invalidated since. `generations` returns
    /// the keys of the generations of its person and client, if there was a revocation.
    pub(super) fn is_known_live(
        &self,
        token: &LivenessEntry,
        generations: impl FnOnce() -> Vec<String>,
    ) -> bool {
        let confirmed = token.confirmed.load(SeqCst);
        if confirmed == 0 || !self.is_tracking() || confirmed < self.floor.load(SeqCst) {
            return false;
        }
        if confirmed == self.moment.load(SeqCst) {
            return true;
        }
        let changes = self.changes.read();
        let unchanged = |key: &u64| changes.get(key).is_none_or(|moment| *moment <= confirmed);
        // Read again: `floor` and `revoked` are set while the changes are locked.
        if !unchanged(&token.grant)
            || !unchanged(&token.access)
            || confirmed < self.floor.load(SeqCst)
        {
            return false;
        }
        if confirmed < self.revoked.load(SeqCst) {
            let of_servers = || token.servers.get().is_some_and(|keys| keys.iter().all(unchanged));
            if (confirmed < self.servers_revoked.load(SeqCst) && !of_servers())
                || !generations().iter().all(|key| unchanged(&self.hash(key.as_bytes())))
            {
                return false;
            }
            // The generations need no further look until the next revocation. If somebody else has
            // changed the entry meanwhile, theirs stands.
            let moment = self.moment.load(SeqCst);
            let _changed = token.confirmed.compare_exchange(confirmed, moment, SeqCst, SeqCst);
        }
        true
    }

    /// Returns the logical time to which the result of a lookup that starts now must be dated.
    /// Returns `None` if invalidations do not arrive, so that the result must not be cached.
    pub(super) fn lookup_time(&self) -> Option<u64> {
        let moment = self.moment.load(SeqCst);
        self.is_tracking().then_some(moment)
    }

    /// Marks `token` as live at `moment`, or as unconfirmed if `moment` is `None`.
    pub(super) fn confirm(token: &LivenessEntry, moment: Option<u64>) {
        token.confirmed.store(moment.unwrap_or(0), SeqCst);
    }

    /// Notes that the value of `key` was looked up at `moment`.
    pub(super) fn tracked(&self, key: &[u8], moment: Option<u64>) -> TrackedKey {
        TrackedKey { key: self.hash(key), confirmed: moment }
    }

    /// Returns `true` if the value of a key has not changed since it was looked up.
    pub(super) fn is_unchanged(&self, tracked: &TrackedKey) -> bool {
        let Some(confirmed) = tracked.confirmed else { return false };
        if !self.is_tracking() || confirmed < self.floor.load(SeqCst) {
            return false;
        }
        if confirmed == self.moment.load(SeqCst) {
            return true;
        }
        let changes = self.changes.read();
        // Read again: `floor` is set while the changes are locked.
        changes.get(&tracked.key).is_none_or(|moment| *moment <= confirmed)
            && confirmed >= self.floor.load(SeqCst)
    }

    /// Invalidates the entries that depend on `key`.
    pub(super) fn changed(&self, key: &[u8]) {
        let mut changes = self.changes.write();
        let moment = self.moment.fetch_add(1, SeqCst) + 1;
        if changes.len() >= CHANGES {
            changes.clear();
            self.floor.store(moment, SeqCst);
        }
        changes.insert(self.hash(key), moment);
        if key.starts_with(GENERATIONS.as_bytes()) {
            self.revoked.store(moment, SeqCst);
            if key.starts_with(SERVER_GENERATIONS.as_bytes()) {
                self.servers_revoked.store(moment, SeqCst);
            }
            self.revocations.notify_one();
        }
    }

    /// Returns a unique number for a new connection.
    pub(super) fn next_link(&self) -> u64 {
        self.links.fetch_add(1, SeqCst) + 1
    }

    /// Makes `link` the source of invalidations, and invalidates the whole cache: changes before
    /// this moment may have been missed.
    pub(super) fn linked(&self, link: u64) {
        self.forget();
        self.link.store(link, SeqCst);
    }

    /// Handles the loss of connection `link`. Does nothing if a newer connection has replaced it.
    pub(super) fn unlinked(&self, link: u64) {
        if self.link.compare_exchange(link, 0, SeqCst, SeqCst).is_ok() {
            self.forget();
        }
    }

    /// Renews the invalidation lease after a reply to a ping that was sent at `asked`. Redis keeps
    /// the order of messages, so all invalidations from before `asked` have arrived.
    pub(super) fn renew_lease(&self, asked: Instant, lease: Duration) {
        let until = (asked + lease).duration_since(self.started).as_nanos();
        self.lease.store(u64::try_from(until).unwrap_or(u64::MAX), SeqCst);
    }

    /// Handles a push message of Redis.
    pub(super) fn handle_push(&self, link: u64, push: &PushInfo) {
        match (&push.kind, push.data.first()) {
            (PushKind::Invalidate, Some(Value::Array(keys))) => {
                for key in keys {
                    match key {
                        Value::BulkString(key) => self.changed(key),
                        _ => self.forget(),
                    }
                }
            }
            // Without keys after `FLUSHALL`: everything is invalid.
            (PushKind::Invalidate, _) => self.forget(),
            (PushKind::Disconnection, _) => self.unlinked(link),
            _ => {}
        }
    }

    /// Invalidates the whole cache.
    fn forget(&self) {
        let mut changes = self.changes.write();
        let moment = self.moment.fetch_add(1, SeqCst) + 1;
        changes.clear();
        self.floor.store(moment, SeqCst);
    }

    /// Returns `true` if the invalidation connection is up and its lease has not expired.
    pub(super) fn is_tracking(&self) -> bool {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.link.load(SeqCst) != 0 && now < self.lease.load(SeqCst)
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }
}

#[cfg(test)]
mod tests;
