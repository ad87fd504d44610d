//! The leases of the instance that works in the background. They keep the load on Redis small; two instances
//! that work at once do no harm.

use std::time::Duration;

use redis::Script;
use tokio::time::Instant;

use super::{Error, Records};
use crate::model::Identifier;

/// The part of its lifetime at which a lease is renewed.
const RENEWAL: u32 = 3;

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
pub(super) struct Lease {
    key: String,
    life: Duration,
    holder: Identifier,
    renewed: Instant,
}

impl Lease {
    /// Takes the lease at `key`. Returns `None` if another instance has it.
    pub(super) async fn take(
        records: &Records,
        key: String,
        life: Duration,
    ) -> Result<Option<Self>, Error> {
        let holder = Identifier::generate().map_err(|_| Error::Random)?;
        let lease = Self { key, life, holder, renewed: Instant::now() };
        Ok(lease.is_taken(records).await?.then_some(lease))
    }

    /// Renews the lease if it is time. Returns `false` if another instance has taken it.
    pub(super) async fn keep(&mut self, records: &Records) -> Result<bool, Error> {
        if self.renewed.elapsed() < self.life / RENEWAL {
            return Ok(true);
        }
        let now = Instant::now();
        let is_taken = self.is_taken(records).await?;
        self.renewed = now;
        Ok(is_taken)
    }

    /// Returns the lease, so that another instance need not wait for its end.
    pub(super) async fn release(self, records: &Records) -> Result<(), Error> {
        let script = Script::new(RELEASE);
        let mut call = script.prepare_invoke();
        call.key(&self.key).arg(self.holder.as_str());
        Ok(call.invoke_async(&mut records.pool.get().await?).await?)
    }

    async fn is_taken(&self, records: &Records) -> Result<bool, Error> {
        let script = Script::new(TAKE);
        let mut call = script.prepare_invoke();
        call.key(&self.key).arg(self.holder.as_str()).arg(self.life.as_millis().to_string());
        Ok(call.invoke_async(&mut records.pool.get().await?).await?)
    }
}
