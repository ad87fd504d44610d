//! Outboxes: a change and its audit event are one act. The script that changes a record appends the event to
//! the outbox of the record, a list in the same hash slot. The relay moves it from there.
//!
//! So that the relay finds the outbox whatever happens, the event is announced first: a sorted set has the
//! id of each event that is about to be written, with the name of its outbox. An announcement without an
//! event is removed after a minute.

use redis::{Pipeline, ScriptInvocation};
use serde::Serialize;

use crate::store::{Error, Records, key::Key, records::Ttl};

use super::entry::AuditEntry;

/// The maximum number of announced events. Those beyond it are counted as lost.
pub(super) const CAPACITY: usize = 10_000;

/// The part of [`CAPACITY`] that events take that anybody can cause, such as registrations.
const OPEN_CAPACITY: usize = 4_096;

/// Announces an event, or counts it as lost if too many are announced already. The time is that of Redis.
/// Works even when Redis is full, so that no revocation goes without its event.
const ANNOUNCE: &str = r"#!lua flags=allow-oom
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    redis.call('INCR', KEYS[2])
    return 0
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
return 1
";

/// The part of a script that appends the event of a [`Posting`], which has the last key and the last
/// argument.
macro_rules! post {
    () => {
        "
if ARGV[#ARGV] ~= '' then redis.call('RPUSH', KEYS[#KEYS], ARGV[#ARGV]) end
"
    };
}

pub(in crate::store) use post;

/// Sets a record and appends the event.
const SET: &str = concat!(
    "redis.call('SET', KEYS[1], ARGV[1], unpack(ARGV, 2, #ARGV - 1))",
    post!(),
    "return 1
"
);

/// Sets a new record and appends the event. Does neither if the key exists.
const SET_NEW: &str = concat!(
    "if not redis.call('SET', KEYS[1], ARGV[1], 'NX', unpack(ARGV, 2, #ARGV - 1)) then return 0 end",
    post!(),
    "return 1
"
);

/// Appends the event alone.
const POST: &str = concat!("#!lua flags=allow-oom", post!(), "return 1\n");

/// Deletes a record and appends the event, if there is the record.
const DELETE: &str = concat!(
    "#!lua flags=allow-oom
if redis.call('DEL', KEYS[1]) == 0 then return 0 end",
    post!(),
    "return 1
"
);

/// An event for the outbox of a record, on its way with a change of the record.
#[derive(Clone, Debug)]
pub(in crate::store) struct Posting<'a> {
    outbox: String,
    entry: Option<&'a AuditEntry>,
}

impl<'a> Posting<'a> {
    /// Returns a posting of `entry` that Redis has `accepted`.
    pub(in crate::store) fn accepted(
        record: &str,
        entry: Option<&'a AuditEntry>,
        accepted: bool,
    ) -> Self {
        Self { outbox: Key::Outbox(record).text(), entry: entry.filter(|_| accepted) }
    }

    /// Returns a posting of `entry` by the last of the answers to a pipeline with an announcement, and removes
    /// that answer.
    pub(in crate::store) fn answered(
        record: &str,
        entry: Option<&'a AuditEntry>,
        answers: &mut Vec<redis::Value>,
    ) -> Result<Self, Error> {
        let answer = entry.and_then(|_| answers.pop());
        let accepted = answer.map(redis::from_redis_value).transpose();
        let accepted = accepted.map_err(redis::RedisError::from)?;
        Ok(Self::accepted(record, entry, accepted.unwrap_or(false)))
    }

    /// Adds the last key and the last argument of a script that has the part [`post`].
    pub(in crate::store) fn add_to(&self, call: &mut ScriptInvocation<'_>) {
        call.key(&self.outbox).arg(self.entry.map_or("", |entry| &entry.line));
    }
}

/// Adds the announcement of an event for the outbox of `record` to `pipe`. The answer is passed to
/// [`Posting::accepted`]. Without an event nothing is added.
pub(in crate::store) fn add_announcement(
    pipe: &mut Pipeline,
    record: &str,
    entry: Option<&AuditEntry>,
) {
    let Some(entry) = entry else { return };
    let most = if entry.is_by_anybody { OPEN_CAPACITY } else { CAPACITY };
    pipe.cmd("EVAL").arg(ANNOUNCE).arg(2).arg(Key::Outboxes.text()).arg(Key::LostEvents.text());
    pipe.arg(format!("{} {}", entry.id, Key::Outbox(record).text())).arg(most);
}

impl Records {
    /// Announces an event for the outbox of `record`, a key. Call it before the change, and as little as
    /// possible before it.
    pub(in crate::store) async fn announce<'a>(
        &self,
        record: &str,
        entry: Option<&'a AuditEntry>,
    ) -> Result<Posting<'a>, Error> {
        let mut accepted = true;
        if entry.is_some() {
            let mut pipe = redis::pipe();
            add_announcement(&mut pipe, record, entry);
            (accepted,) = pipe.query_async(&mut self.pool.get().await?).await?;
            self.posted.notify_one();
        }
        Ok(Posting::accepted(record, entry, accepted))
    }

    /// Posts an event that comes with no record.
    pub(in crate::store) async fn post_alone(&self, entry: &AuditEntry) -> Result<(), Error> {
        let posting = self.announce(&Key::Outboxes.text(), Some(entry)).await?;
        let script = redis::Script::new(POST);
        let mut call = script.prepare_invoke();
        posting.add_to(&mut call);
        Ok(call.invoke_async(&mut self.pool.get().await?).await?)
    }

    /// Stores a record with the event of `posting`.
    pub(in crate::store) async fn put_posting<T: Serialize>(
        &self,
        key: &Key<'_>,
        record: &T,
        ttl: Ttl,
        posting: &Posting<'_>,
    ) -> Result<(), Error> {
        self.set_posting(SET, key, record, (ttl, posting)).await.map(drop)
    }

    /// Stores a record with the event of `posting`, unless the key exists. Returns `true` if it was stored.
    pub(in crate::store) async fn put_new_posting<T: Serialize>(
        &self,
        key: &Key<'_>,
        record: &T,
        ttl: Ttl,
        posting: &Posting<'_>,
    ) -> Result<bool, Error> {
        self.set_posting(SET_NEW, key, record, (ttl, posting)).await
    }

    async fn set_posting<T: Serialize>(
        &self,
        script: &str,
        key: &Key<'_>,
        record: &T,
        (ttl, posting): (Ttl, &Posting<'_>),
    ) -> Result<bool, Error> {
        let script = redis::Script::new(script);
        let mut call = script.prepare_invoke();
        call.key(key.text()).arg(serde_json::to_string(record)?);
        if let Ttl::After(_) = ttl {
            call.arg("EX").arg(ttl.seconds());
        }
        posting.add_to(&mut call);
        let stored = call.invoke_async(&mut self.pool.get().await?).await?;
        self.posted.notify_one();
        Ok(stored)
    }

    /// Deletes a record with the event of `posting`. Returns `true` if there was one.
    pub(in crate::store) async fn delete_posting(
        &self,
        key: &str,
        posting: &Posting<'_>,
    ) -> Result<bool, Error> {
        let script = redis::Script::new(DELETE);
        let mut call = script.prepare_invoke();
        call.key(key);
        posting.add_to(&mut call);
        let was_there = call.invoke_async(&mut self.pool.get().await?).await?;
        // Redis sends this invalidation as well, but it must take effect before the caller
        // continues.
        self.tracker.changed(key.as_bytes());
        self.posted.notify_one();
        Ok(was_there)
    }

    /// Deletes a record with its event.
    pub(in crate::store) async fn delete_with(
        &self,
        key: &Key<'_>,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        let key = key.text();
        let posting = self.announce(&key, entry).await?;
        self.delete_posting(&key, &posting).await
    }
}
