//! The lease of the instance that works in the background. It keeps the load on Redis small; two instances
//! that work at once do no harm.

use std::time::Duration;

use redis::Script;
use tokio::time::Instant;

use super::{Error, Records, key::Key};
use crate::model::Identifier;

/// The lifetime of the lease.
const LIFE: Duration = Duration::from_secs(30);

/// The age at which a lease is renewed.
const RENEWAL: Duration = Duration::from_secs(10);

/// Takes or renews the lease, unless another instance has it.
const TAKE: &str = r"#!lua flags=allow-oom
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
";

/// Returns the lease.
const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
";

/// The lease of this instance.
pub(super) struct Lease<'a> {
    records: &'a Records,
    holder: Identifier,
    renewed: Instant,
}

impl<'a> Lease<'a> {
    /// Takes the lease. Returns `None` if another instance has it.
    pub(super) async fn take(records: &'a Records) -> Result<Option<Self>, Error> {
        let holder = Identifier::generate().map_err(|_| Error::Random)?;
        let lease = Self { records, holder, renewed: Instant::now() };
        Ok(lease.is_taken().await?.then_some(lease))
    }

    /// Renews the lease if it is time. Returns `false` if another instance has taken it.
    pub(super) async fn keep(&mut self) -> Result<bool, Error> {
        if self.renewed.elapsed() < RENEWAL {
            return Ok(true);
        }
        self.renewed = Instant::now();
        self.is_taken().await
    }

    /// Returns the lease, so that another instance need not wait for its end.
    pub(super) async fn release(self) -> Result<(), Error> {
        let script = Script::new(RELEASE);
        let mut call = script.prepare_invoke();
        call.key(Key::SweepLease.text()).arg(self.holder.as_str());
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }

    async fn is_taken(&self) -> Result<bool, Error> {
        let script = Script::new(TAKE);
        let mut call = script.prepare_invoke();
        call.key(Key::SweepLease.text())
            .arg(self.holder.as_str())
            .arg(LIFE.as_millis().to_string());
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }
}
