//! Bounded pools: what strangers can make the store keep. A pool is a sorted set of names with a
//! fixed number of places, so that its records have a budget in bytes, however many addresses the
//! requests come from.

use super::{Error, Key, Store};
use crate::model::UnixTime;

/// Takes a place for a member, as the newest one; returns the members that were evicted for it,
/// oldest first. Places are numbered, so that the order is strict whatever the clock says.
const ADMIT: &str = r"
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('ZADD', KEYS[1], (newest[2] or 0) + 1, ARGV[1])
local excess = redis.call('ZCARD', KEYS[1]) - ARGV[2]
if excess <= 0 then return {} end
local gone = redis.call('ZRANGE', KEYS[1], 0, excess - 1)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, excess - 1)
return gone
";

/// Takes a place for a member until its end, unless every place is taken by one that has not ended.
const RESERVE: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
return 1
";

impl Store {
    /// Takes a place in `pool` for `member`, one of at most `places`. The oldest members make room
    /// and are returned; the caller deletes their records.
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

    /// Takes a place in `pool` for `member` until `end`. Returns `false` if there is none.
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

    /// Gives the place of `member` back.
    pub(super) async fn leave(&self, pool: &Key<'_>, member: &str) -> Result<(), Error> {
        let mut command = redis::cmd("ZREM");
        command.arg(pool.text()).arg(member);
        Ok(command.query_async(&mut self.pool.get().await?).await?)
    }

    /// Whether `member` has a place.
    pub(super) async fn has_place(&self, pool: &Key<'_>, member: &str) -> Result<bool, Error> {
        let mut command = redis::cmd("ZSCORE");
        command.arg(pool.text()).arg(member);
        let score: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(score.is_some())
    }
}
