//! People and clients that an administrator has barred. Their number is that of the administrators' acts.

use redis::Script;

use super::{AuditEntry, BarredRecords, Error, Key, audit::outbox::post};
use crate::model::{ClientId, UnixTime};

/// Blocks a person, unless the person is the last administrator that is not blocked. Appends the event.
const BLOCK: &str = concat!(
    "#!lua flags=allow-oom
local added = redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
if added == 0 then return 1 end
local is_administrator, others = false, 0
for i = 3, #ARGV - 1 do
    if ARGV[i] == ARGV[1] then is_administrator = true end
    if not redis.call('ZSCORE', KEYS[1], ARGV[i]) then others = others + 1 end
end
if is_administrator and others == 0 then
    redis.call('ZREM', KEYS[1], ARGV[1])
    return 0
end",
    post!(),
    "return 1
"
);

/// Adds a member and appends the event, unless the member is there already.
const BAR: &str = concat!(
    "#!lua flags=allow-oom
if redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1]) == 0 then return 0 end",
    post!(),
    "return 1
"
);

/// Removes a member and appends the event, if the member is there.
const UNBAR: &str = concat!(
    "#!lua flags=allow-oom
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end",
    post!(),
    "return 1
"
);

impl BarredRecords {
    /// Blocks a person, with its event. Returns `false`, and does nothing, if that would leave none of
    /// `administrators` unblocked.
    pub async fn block(
        &self,
        subject: &str,
        administrators: &[String],
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        let key = Key::BlockedPeople.text();
        let posting = self.records.announce(&key, entry).await?;
        let script = Script::new(BLOCK);
        let mut call = script.prepare_invoke();
        call.key(&key).arg(subject).arg(now.0).arg(administrators);
        posting.add_to(&mut call);
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }

    /// Unblocks a person, with its event. Returns `false` if the person was not blocked.
    pub async fn unblock(&self, subject: &str, entry: Option<&AuditEntry>) -> Result<bool, Error> {
        self.unbar(&Key::BlockedPeople, subject, entry).await
    }

    /// Returns the time at which a person was blocked.
    pub async fn blocked_since(&self, subject: &str) -> Result<Option<UnixTime>, Error> {
        self.since(&Key::BlockedPeople, subject).await
    }

    /// Refuses a client for everybody, with its event. Returns `false` if it is refused already.
    pub async fn refuse_client(
        &self,
        id: &ClientId,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        let key = Key::RefusedClients.text();
        let posting = self.records.announce(&key, entry).await?;
        let script = Script::new(BAR);
        let mut call = script.prepare_invoke();
        call.key(&key).arg(id.as_str()).arg(now.0);
        posting.add_to(&mut call);
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }

    /// Admits a refused client again, with its event. Returns `false` if the client was not refused.
    pub async fn readmit_client(
        &self,
        id: &ClientId,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        self.unbar(&Key::RefusedClients, id.as_str(), entry).await
    }

    /// Returns the time at which a client was refused.
    pub async fn refused_since(&self, id: &ClientId) -> Result<Option<UnixTime>, Error> {
        self.since(&Key::RefusedClients, id.as_str()).await
    }

    /// Returns up to `most` refused clients, latest first.
    pub async fn refused_clients(&self, most: usize) -> Result<Vec<ClientId>, Error> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(Key::RefusedClients.text()).arg(0).arg(most.saturating_sub(1)).arg("REV");
        let ids: Vec<String> = range.query_async(&mut self.records.pool.get().await?).await?;
        Ok(ids.iter().map(|id| ClientId::parsed(id)).collect())
    }

    /// Returns `true` if a person is blocked, or the client in use is refused.
    pub async fn is_barred(&self, subject: &str, client: Option<&ClientId>) -> Result<bool, Error> {
        let mut pipe = redis::pipe();
        pipe.cmd("ZSCORE").arg(Key::BlockedPeople.text()).arg(subject);
        if let Some(id) = client {
            pipe.cmd("ZSCORE").arg(Key::RefusedClients.text()).arg(id.as_str());
        }
        let scores: Vec<Option<f64>> =
            pipe.query_async(&mut self.records.pool.get().await?).await?;
        Ok(scores.iter().any(Option::is_some))
    }

    async fn unbar(
        &self,
        set: &Key<'_>,
        member: &str,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        let key = set.text();
        let posting = self.records.announce(&key, entry).await?;
        let script = Script::new(UNBAR);
        let mut call = script.prepare_invoke();
        call.key(&key).arg(member);
        posting.add_to(&mut call);
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }

    async fn since(&self, set: &Key<'_>, member: &str) -> Result<Option<UnixTime>, Error> {
        let mut score = redis::cmd("ZSCORE");
        score.arg(set.text()).arg(member);
        let score: Option<i64> = score.query_async(&mut self.records.pool.get().await?).await?;
        Ok(score.map(UnixTime))
    }
}
