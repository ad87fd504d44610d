//! The state of the protocol in Redis, with one function for each operation on it.
//!
//! A record carries its own `expires_at`, which is checked on every read. The TTL in Redis is only
//! for garbage collection. Secrets are stored as fingerprints, never in the clear.

mod answers;
mod backup;
mod client_documents;
mod clients;
mod codes;
mod condition;
mod cursor;
mod devices;
mod ended_grants;
mod essential;
mod generations;
mod grants;
mod housekeeping;
mod index;
mod indexer;
mod key;
mod lease;
mod limits;
mod link;
mod listing;
mod liveness_lookups;
mod login_codes;
mod owned;
mod pool;
mod predecessor;
mod record;
mod refresh;
mod removal;
mod repair;
mod restore;
mod revocable;
mod revocation;
mod revocation_tracker;
mod sessions;
mod sweep;
mod target;
mod tracking;
mod trial;
mod uses;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;

pub use self::{
    backup::{Entry, Held},
    codes::Redemption,
    condition::{Condition, SentinelCondition},
    cursor::{Cursor, InvalidCursor},
    ended_grants::News,
    grants::TokenClaims,
    limits::Bound,
    link::{SentinelReport, Survey, Unfit},
    listing::{Filter, ListedGrant, Page},
    predecessor::OldRecord,
    refresh::Spending,
    restore::Restored,
    revocation::{Ended, Selection, everywhere},
    revocation_tracker::LivenessEntry,
    trial::Trial,
    uses::GrantUse,
};
use self::{
    ended_grants::EndedGrants,
    key::Key,
    link::{Connections, Master, SharedLink},
    liveness_lookups::LivenessLookups,
    record::Record,
    revocation_tracker::RevocationTracker,
};
use crate::{config::RedisConfig, model::UnixTime};

/// The error of a failed store operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Redis rejected the command, or the connection failed.
    #[error("redis")]
    Redis(#[from] redis::RedisError),
    /// The pool had no usable connection before the timeout.
    #[error("no connection to redis")]
    Pool(#[from] deadpool_redis::PoolError),
    /// A record does not have the format of this version.
    #[error("a record in redis cannot be decoded")]
    Record(#[from] serde_json::Error),
    /// Every attempt at a compare-and-swap lost against a concurrent change of the same record.
    #[error("a record is being changed concurrently; retry")]
    Contended,
    /// The operating system provided no random bytes.
    #[error("no random bytes")]
    Random,
}

/// Records in Redis, by kind.
pub struct Store {
    records: Arc<Records>,
    /// Clients, their documents and keys.
    pub clients: ClientRecords,
    /// Codes, grants, refresh tokens, access tokens.
    pub grants: Arc<GrantRecords>,
    /// Login sessions, login codes, remembered consents, answers to steps.
    pub logins: LoginRecords,
    /// Devices and the decisions about them.
    pub devices: DeviceRecords,
    /// Counters of the rate limits.
    pub counters: Counters,
    /// Listing, revocation, backup, import.
    pub maintenance: Maintenance,
}

/// Typed commands on single records, and the connections to Redis.
pub(in crate::store) struct Records {
    master: Arc<Master>,
    pool: Connections,
    /// One multiplexed connection for the hot path (`/verify`, rate limits).
    hot: SharedLink,
    /// Coalesced liveness lookups of tokens, over the same connection.
    lookups: Arc<LivenessLookups>,
    /// `true` once invalidations of Redis have arrived, or were refused.
    started: AtomicBool,
    tracker: Arc<RevocationTracker>,
}

/// Clients, their documents and keys.
#[derive(Clone)]
pub struct ClientRecords {
    records: Arc<Records>,
}

/// Codes, grants, refresh tokens, access tokens.
pub struct GrantRecords {
    records: Arc<Records>,
    /// The feed of ended grants and access tokens, which the proxies read.
    ended: EndedGrants,
}

/// Login sessions, login codes, remembered consents, answers to steps.
pub struct LoginRecords {
    records: Arc<Records>,
}

/// Devices and the decisions about them.
pub struct DeviceRecords {
    records: Arc<Records>,
}

/// Counters of the rate limits.
pub struct Counters {
    records: Arc<Records>,
}

/// Listing, revocation, backup and import: what looks at all records.
pub struct Maintenance {
    records: Arc<Records>,
    clients: ClientRecords,
    grants: Arc<GrantRecords>,
}

impl Store {
    /// Creates a store for the Redis server of `config`. Connects on first use, so that this
    /// program and Redis can start in any order.
    pub fn open(config: &RedisConfig) -> Result<Self, Error> {
        let master = Arc::new(Master::of(config)?);
        let pool = Connections::to(Arc::clone(&master));
        let hot = SharedLink::to(Arc::clone(&master));
        let records = Arc::new(Records {
            lookups: Arc::new(LivenessLookups::new(hot.clone(), pool.clone())),
            master,
            pool,
            hot,
            started: AtomicBool::new(false),
            tracker: Arc::new(RevocationTracker::new()),
        });
        let clients = ClientRecords { records: Arc::clone(&records) };
        let grants =
            Arc::new(GrantRecords { records: Arc::clone(&records), ended: EndedGrants::new() });
        Ok(Self {
            clients: clients.clone(),
            logins: LoginRecords { records: Arc::clone(&records) },
            devices: DeviceRecords { records: Arc::clone(&records) },
            counters: Counters { records: Arc::clone(&records) },
            maintenance: Maintenance {
                records: Arc::clone(&records),
                clients,
                grants: Arc::clone(&grants),
            },
            grants,
            records,
        })
    }

    /// Receives invalidations of revoked grants and tokens from Redis, and follows its master. Never
    /// returns. While this does not run, every liveness check queries Redis.
    pub async fn follow(&self) {
        let Records { master, hot, tracker, started, .. } = &*self.records;
        tokio::join!(tracking::follow(master, tracker, started), link::watch(master, hot));
    }

    /// Returns `true` if the invalidation connection to Redis is up.
    #[must_use]
    pub fn is_tracking(&self) -> bool {
        self.records.tracker.is_tracking()
    }

    /// Returns the total number of liveness lookups that were sent to Redis.
    #[must_use]
    pub fn liveness_lookups(&self) -> u64 {
        self.records.lookups.count()
    }

    /// Returns `true` once [`Self::follow`] has reached Redis for the first time.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.records.started.load(Ordering::Relaxed)
    }

    /// Checks that Redis can store the records, if it answers: that it is a master and no part of a
    /// Redis Cluster. An unreachable Redis is no error, because it may start later.
    pub async fn check_fitness(&self) -> Result<(), Unfit> {
        self.records.master.check_fitness().await
    }

    /// Sends a `PING`, to check that Redis answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut connection = self.records.pool.get().await?;
        Ok(redis::cmd("PING").query_async(&mut connection).await?)
    }

    /// Tries whether Redis takes a write.
    pub async fn try_to_write(&self) -> Result<Trial, Error> {
        self.records.try_to_write().await
    }
}

impl Records {
    /// Runs a command that only reads over the shared connection. Repeats it over the pool unless a
    /// majority has confirmed lately that this node is the master.
    pub(in crate::store) async fn ask<T: redis::FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<T, Error> {
        let (answer, is_certain) = self.hot.ask(command).await?;
        if is_certain {
            return Ok(answer);
        }
        Ok(command.query_async(&mut self.pool.get().await?).await?)
    }

    pub(in crate::store) async fn put<T: Serialize>(
        &self,
        key: &Key<'_>,
        record: &T,
        ttl: Ttl,
    ) -> Result<(), Error> {
        let mut command = redis::cmd("SET");
        command.arg(key.text()).arg(serde_json::to_string(record)?);
        ttl.add_to(&mut command);
        Ok(command.query_async(&mut self.pool.get().await?).await?)
    }

    /// Stores a record unless the key exists (`SET NX`). Returns `true` if it was stored. Of
    /// several concurrent callers, exactly one succeeds.
    pub(in crate::store) async fn put_new<T: Serialize>(
        &self,
        key: &Key<'_>,
        record: &T,
        ttl: Ttl,
    ) -> Result<bool, Error> {
        let mut command = redis::cmd("SET");
        command.arg(key.text()).arg(serde_json::to_string(record)?).arg("NX");
        ttl.add_to(&mut command);
        let stored: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(stored.is_some())
    }

    pub(in crate::store) async fn exists(&self, key: &Key<'_>) -> Result<bool, Error> {
        let mut command = redis::cmd("EXISTS");
        Ok(command.arg(key.text()).query_async(&mut self.pool.get().await?).await?)
    }

    pub(in crate::store) async fn read<T: Record>(
        &self,
        key: &Key<'_>,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        self.fetch(redis::cmd("GET").arg(key.text()), now).await
    }

    /// Reads and deletes a record atomically (`GETDEL`), so that only one of several concurrent
    /// callers gets it.
    pub(in crate::store) async fn take<T: Record>(
        &self,
        key: &Key<'_>,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        self.fetch(redis::cmd("GETDEL").arg(key.text()), now).await
    }

    pub(in crate::store) async fn fetch<T: Record>(
        &self,
        command: &redis::Cmd,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        let text: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        let record: Option<T> = text.as_deref().map(serde_json::from_str).transpose()?;
        Ok(record.filter(|record| record.expires_at().is_none_or(|end| now < end)))
    }

    /// Reads the values of several keys, all of them strings.
    pub(in crate::store) async fn texts(
        &self,
        keys: &[String],
    ) -> Result<Vec<Option<String>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        Ok(redis::cmd("MGET").arg(keys).query_async(&mut self.pool.get().await?).await?)
    }

    /// Deletes keys that no cache depends on. Returns the number of those that existed.
    pub(in crate::store) async fn delete_all(&self, keys: &[String]) -> Result<usize, Error> {
        if keys.is_empty() {
            return Ok(0);
        }
        Ok(redis::cmd("DEL").arg(keys).query_async(&mut self.pool.get().await?).await?)
    }

    pub(in crate::store) async fn delete(&self, key: &Key<'_>) -> Result<bool, Error> {
        let (key, mut command) = (key.text(), redis::cmd("DEL"));
        let was_there = command.arg(&key).query_async(&mut self.pool.get().await?).await?;
        // Redis sends this invalidation as well, but it must take effect before the caller
        // continues.
        self.tracker.changed(key.as_bytes());
        Ok(was_there)
    }
}

/// The time to live of a key in Redis.
#[derive(Clone, Copy)]
enum Ttl {
    Never,
    After(Duration),
}

impl Ttl {
    fn until(now: UnixTime, end: UnixTime) -> Self {
        Self::After(now.until(end))
    }

    fn add_to(self, command: &mut redis::Cmd) {
        if let Self::After(_) = self {
            command.arg("EX").arg(self.seconds());
        }
    }

    /// Returns the time to live in seconds, at least 1, because Redis rejects 0.
    fn seconds(self) -> u64 {
        match self {
            Self::Never => u64::from(u32::MAX),
            Self::After(span) => span.as_secs().max(1),
        }
    }
}
