//! Bounded pools for records that anonymous requests create. A pool is a sorted set of names with
//! a fixed capacity. It bounds the records in bytes, however many addresses the requests come from.

use super::{Error, Key, Store};
use crate::model::UnixTime;

/// Adds a member as the newest one. Returns the members that were evicted for it, oldest first.
/// Scores are consecutive numbers, so that the order does not depend on a clock.
const ADMIT: &str = r"
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('ZADD', KEYS[1], (newest[2] or 0) + 1, ARGV[1])
local excess = redis.call('ZCARD', KEYS[1]) - ARGV[2]
if excess <= 0 then return {} end
local gone = redis.call('ZRANGE', KEYS[1], 0, excess - 1)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, excess - 1)
return gone
";

/// Adds a member until its expiry. Fails if all places are taken by members that have not expired.
const RESERVE: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
return 1
";

impl Store {
    /// Adds `member` to `pool`, which has a capacity of `places`. Returns the oldest members, which
    /// were evicted for it; the caller must delete their records.
    pub(super) async fn admit(
        &self,
        pool: &Key<'_>,
        member: &str,
        places: u32,
    ) -> Result<Vec<String>, Error> {
        let script = redis::Script::new(ADMIT);
        let mut call = script.prepare_invoke();
        call.key(pool.text()).arg(member).arg(places);
        Ok(call.invoke_async(&mut self.pool.get().await?).await?)
    }

    /// Adds `member` to `pool` until `end`. Returns `false` if the pool is full.
    pub(super) async fn reserve(
        &self,
        pool: &Key<'_>,
        member: &str,
        places: u32,
        (now, end): (UnixTime, UnixTime),
    ) -> Result<bool, Error> {
        let script = redis::Script::new(RESERVE);
        let mut call = script.prepare_invoke();
        call.key(pool.text()).arg(now.0).arg(end.0).arg(member).arg(places);
        Ok(call.invoke_async(&mut self.pool.get().await?).await?)
    }

    /// Removes `member` from `pool`.
    pub(super) async fn leave(&self, pool: &Key<'_>, member: &str) -> Result<(), Error> {
        let mut command = redis::cmd("ZREM");
        command.arg(pool.text()).arg(member);
        Ok(command.query_async(&mut self.pool.get().await?).await?)
    }

    /// Returns `true` if `pool` contains `member`.
    pub(super) async fn has_place(&self, pool: &Key<'_>, member: &str) -> Result<bool, Error> {
        let mut command = redis::cmd("ZSCORE");
        command.arg(pool.text()).arg(member);
        let score: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(score.is_some())
    }
}
