//! State in Redis: what the protocol needs to remember, each a function here.
//!
//! A record carries its own `expires_at`, which the read checks; the TTL of Redis only collects
//! garbage. Everything secret is stored as a fingerprint.

mod admin;
mod answers;
mod backup;
mod client_documents;
mod clients;
mod codes;
mod condition;
mod devices;
mod ended_grants;
mod essential;
mod grants;
mod key;
mod limits;
mod logins;
mod pool;
mod predecessor;
mod questions;
mod refresh;
mod revocation;
mod revocations;
mod sessions;
mod tracking;
mod trial;
mod witness;

use std::{sync::Arc, time::Duration};

use deadpool_redis::{Pool, Runtime, Timeouts};
use redis::{
    AsyncConnectionConfig, IntoConnectionInfo, ProtocolVersion,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use secrecy::ExposeSecret;
use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    backup::{Entry, Held, Restored},
    codes::Redemption,
    condition::Condition,
    ended_grants::News,
    limits::Bound,
    predecessor::OldRecord,
    refresh::Spending,
    revocation::{Ended, Selection},
    trial::Trial,
    witness::Sighting,
};
use self::{ended_grants::EndedGrants, key::Key, questions::Questions, witness::Witness};
use crate::{config::RedisConfig, model::UnixTime};

/// How long a request waits for Redis before it is answered with 503.
const PATIENCE: Duration = Duration::from_secs(2);

/// The store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Redis refused, or the connection broke.
    #[error("redis")]
    Redis(#[from] redis::RedisError),
    /// No connection in time.
    #[error("no connection to redis")]
    Pool(#[from] deadpool_redis::PoolError),
    /// The pool cannot be made.
    #[error("no pool of connections")]
    Settings(#[from] deadpool_redis::BuildError),
    /// A record is not what this version writes.
    #[error("a record cannot be read")]
    Record(#[from] serde_json::Error),
    /// Others kept changing the same record.
    #[error("a record is being changed by others")]
    Contended,
    /// The operating system gave no random bytes.
    #[error("no random bytes")]
    Random,
}

/// A record that ends.
trait Expiring {
    fn expires_at(&self) -> Option<UnixTime>;
}

/// Redis, as this program uses it.
pub struct Store {
    pool: Pool,
    /// One multiplexed connection for what every request asks.
    hot: ConnectionManager,
    /// Whether tokens live, over the same.
    questions: Arc<Questions>,
    /// For the link over which Redis tells of changes.
    tracked: redis::Client,
    witness: Arc<Witness>,
    /// What has ended, for the proxies.
    ended: EndedGrants,
}

impl Store {
    /// A store at `config`. Connects when it is first asked, so that the order in which the two
    /// programs start does not matter.
    pub fn open(config: &RedisConfig) -> Result<Self, Error> {
        // Without the first the greeting of each connection waits for a delayed acknowledgement,
        // 40 ms; without the second one that a firewall forgot is kept for a quarter of an hour.
        let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(PATIENCE);
        let server = config.url.expose_secret().into_connection_info()?.set_tcp_settings(tcp);
        // Without it an answer that takes half a second counts as none.
        let patient = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let manager = deadpool_redis::Manager::new_with_config(server.clone(), patient)?;
        let pool = Pool::builder(manager)
            .max_size(16)
            .timeouts(Timeouts {
                wait: Some(PATIENCE),
                create: Some(PATIENCE),
                recycle: Some(PATIENCE),
            })
            .runtime(Runtime::Tokio1)
            .build()?;
        let reconnect = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(500));
        let resp3 = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tracked = redis::Client::open(server.clone().set_redis_settings(resp3))?;
        let hot = ConnectionManager::new_lazy_with_config(redis::Client::open(server)?, reconnect)?;
        Ok(Self {
            pool,
            questions: Arc::new(Questions::new(hot.clone())),
            hot,
            tracked,
            witness: Arc::new(Witness::new()),
            ended: EndedGrants::new(),
        })
    }

    /// Keeps the knowledge of what was revoked current, for ever. While this does not run, Redis is
    /// asked each time.
    pub async fn follow(&self) {
        tracking::follow(&self.tracked, &self.witness).await;
    }

    /// Whether Redis tells of what is revoked.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.witness.can_tell()
    }

    /// How often Redis was asked whether a token lives.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.questions.count()
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut connection = self.pool.get().await?;
        Ok(redis::cmd("PING").query_async(&mut connection).await?)
    }

    async fn put<T: Serialize>(&self, key: &Key<'_>, record: &T, ttl: Ttl) -> Result<(), Error> {
        let mut command = redis::cmd("SET");
        command.arg(key.text()).arg(serde_json::to_string(record)?);
        ttl.add_to(&mut command);
        Ok(command.query_async(&mut self.pool.get().await?).await?)
    }

    /// Stores what is not there yet; of two callers, one does.
    async fn put_new<T: Serialize>(
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

    async fn exists(&self, key: &Key<'_>) -> Result<bool, Error> {
        let mut command = redis::cmd("EXISTS");
        Ok(command.arg(key.text()).query_async(&mut self.pool.get().await?).await?)
    }

    async fn read<T: DeserializeOwned + Expiring>(
        &self,
        key: &Key<'_>,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        self.fetch(redis::cmd("GET").arg(key.text()), now).await
    }

    /// Reads and deletes in one step, so that of two takers one gets it.
    async fn take<T: DeserializeOwned + Expiring>(
        &self,
        key: &Key<'_>,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        self.fetch(redis::cmd("GETDEL").arg(key.text()), now).await
    }

    async fn fetch<T: DeserializeOwned + Expiring>(
        &self,
        command: &redis::Cmd,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        let text: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        let record: Option<T> = text.as_deref().map(serde_json::from_str).transpose()?;
        Ok(record.filter(|record| record.expires_at().is_none_or(|end| now < end)))
    }

    async fn delete(&self, key: &Key<'_>) -> Result<bool, Error> {
        let (key, mut command) = (key.text(), redis::cmd("DEL"));
        let was_there = command.arg(&key).query_async(&mut self.pool.get().await?).await?;
        // Redis will say so, too; here it holds before the caller goes on.
        self.witness.changed(key.as_bytes());
        Ok(was_there)
    }
}

/// When Redis may collect a record.
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

    /// The time in seconds; Redis refuses zero.
    fn seconds(self) -> u64 {
        match self {
            Self::Never => u64::from(u32::MAX),
            Self::After(span) => span.as_secs().max(1),
        }
    }
}
