//! The state of the protocol in Redis, with one function for each operation on it.
//!
//! A record carries its own `expires_at`, which is checked on every read. The TTL in Redis is only
//! for garbage collection. Secrets are stored as fingerprints, never in the clear.

mod answers;
mod audit;
mod backup;
mod barred;
mod client_documents;
mod client_list;
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
mod people;
mod people_list;
mod pool;
mod predecessor;
mod record;
mod records;
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

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use gateway_contract::audit::AuditLog;
use tokio::sync::{Mutex, Notify};

use self::{
    audit::refusals::Refusals,
    ended_grants::EndedGrants,
    key::Key,
    link::{Connections, Master, SharedLink},
    liveness_lookups::LivenessLookups,
    records::Ttl,
    revocation_tracker::RevocationTracker,
};
pub use self::{
    audit::{
        AuditRecords,
        entry::AuditEntry,
        feed::FeedReader,
        pages::{AuditFilter, AuditPage, AuditedEvent},
    },
    backup::{Entry, Held},
    client_list::GrantedClient,
    codes::{Redemption, RedemptionEntries},
    condition::{Condition, SentinelCondition},
    cursor::{Cursor, InvalidCursor},
    ended_grants::News,
    grants::TokenClaims,
    limits::Bound,
    link::{SentinelReport, Survey, Unfit},
    listing::{Filter, ListedGrant, Page},
    people::{CachedFacts, CheckLock},
    people_list::ListedPerson,
    predecessor::OldRecord,
    refresh::Spending,
    restore::Restored,
    revocation::{Ended, Selection, everywhere},
    revocation_tracker::LivenessEntry,
    trial::Trial,
    uses::GrantUse,
};
use crate::config::RedisConfig;

/// The name of this program in audit events.
const PROGRAM: &str = "auth-service";

/// The maximum number of audit events in the stream, unless the settings state it.
const STREAM_MAX: usize = 100_000;

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
    /// The audit log cannot be read or written.
    #[error("the audit log cannot be written")]
    AuditLog(#[source] std::io::Error),
}

/// Returns `true` if `error` or one of its causes says that Redis cannot be reached.
#[must_use]
pub fn is_unreachable(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let away = error.downcast_ref::<redis::RedisError>().is_some_and(|error| {
            error.is_io_error() || error.is_connection_dropped() || error.is_timeout()
        });
        if away || error.is::<deadpool_redis::PoolError>() {
            return true;
        }
        next = error.source();
    }
    false
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
    /// Facts about people, and the tokens of their providers.
    pub people: PeopleRecords,
    /// Blocked people and refused clients.
    pub barred: BarredRecords,
    /// Counters of the rate limits.
    pub counters: Counters,
    /// Audit events.
    pub audit: AuditRecords,
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
    /// Notified when this process has posted an audit event.
    posted: Notify,
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

/// Facts about people, and the tokens of their providers.
pub struct PeopleRecords {
    records: Arc<Records>,
}

/// Blocked people and refused clients.
pub struct BarredRecords {
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
            posted: Notify::new(),
        });
        let clients = ClientRecords { records: Arc::clone(&records) };
        let grants =
            Arc::new(GrantRecords { records: Arc::clone(&records), ended: EndedGrants::new() });
        Ok(Self {
            clients: clients.clone(),
            logins: LoginRecords { records: Arc::clone(&records) },
            devices: DeviceRecords { records: Arc::clone(&records) },
            people: PeopleRecords { records: Arc::clone(&records) },
            barred: BarredRecords { records: Arc::clone(&records) },
            counters: Counters { records: Arc::clone(&records) },
            audit: AuditRecords {
                records: Arc::clone(&records),
                log: AuditLog::none(PROGRAM),
                stream_max: STREAM_MAX,
                refusals: Refusals::default(),
                relay: Mutex::default(),
            },
            maintenance: Maintenance {
                records: Arc::clone(&records),
                clients,
                grants: Arc::clone(&grants),
            },
            grants,
            records,
        })
    }

    /// Returns this store with the audit log of the process, and the maximum number of events in the stream.
    #[must_use]
    pub fn with_audit(mut self, log: AuditLog, stream_max: usize) -> Self {
        self.audit.log = log;
        self.audit.stream_max = stream_max;
        self
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
