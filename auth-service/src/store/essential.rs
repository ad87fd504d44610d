//! Writes that succeed even when Redis has reached `maxmemory`: refreshes and revocations, so that
//! connected people stay connected. Redis rejects all other writes then (`noeviction`).

use serde::Serialize;

use super::{Error, Records, Ttl, audit::outbox::Posting};

/// Sets a key with an expiry under a condition, `NX` or `XX`. Returns the previous value.
pub(super) const SET_IF: &str = "#!lua flags=allow-oom
return redis.call('SET', KEYS[1], ARGV[1], ARGV[3], 'GET', 'EX', ARGV[2])
";

/// Replaces an existing record with its event, in the same way.
const REPLACE: &str = "#!lua flags=allow-oom
local before = redis.call('SET', KEYS[1], ARGV[1], ARGV[3], 'GET', 'EX', ARGV[2])
if before and ARGV[4] ~= '' then redis.call('RPUSH', KEYS[2], ARGV[4]) end
return before
";

impl Records {
    /// Stores a record under `condition`, `NX` or `XX`, even when Redis is full. Returns the
    /// previous value, whether or not the record was stored. The event of `posting` is only for `XX`, and is
    /// added if the record was stored.
    pub(in crate::store) async fn put_essential_if<T: Serialize>(
        &self,
        condition: &str,
        key: &str,
        (record, ttl): (&T, Ttl),
        posting: Option<&Posting<'_>>,
    ) -> Result<Option<String>, Error> {
        let script = redis::Script::new(if posting.is_some() { REPLACE } else { SET_IF });
        let mut call = script.prepare_invoke();
        call.key(key).arg(serde_json::to_string(record)?).arg(ttl.seconds());
        call.arg(condition);
        if let Some(posting) = posting {
            posting.add_to(&mut call);
        }
        Ok(call.invoke_async(&mut self.pool.get().await?).await?)
    }
}
