//! People and clients that an administrator has barred. Their number is that of the administrators' acts.

use redis::Script;

use super::{Error, Key, PeopleRecords};
use crate::model::{ClientId, UnixTime};

/// Blocks a person, unless the person is the last administrator that is not blocked.
const BLOCK: &str = r"#!lua flags=allow-oom
local added = redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
local is_administrator = false
for i = 3, #ARGV do
    if ARGV[i] == ARGV[1] then is_administrator = true end
    if not redis.call('ZSCORE', KEYS[1], ARGV[i]) then return 1 end
end
if is_administrator and added == 1 then
    redis.call('ZREM', KEYS[1], ARGV[1])
    return 0
end
return 1
";

impl PeopleRecords {
    /// Blocks a person. Returns `false`, and does nothing, if that would leave none of `administrators` unblocked.
    pub async fn block(
        &self,
        subject: &str,
        administrators: &[String],
        now: UnixTime,
    ) -> Result<bool, Error> {
        let script = Script::new(BLOCK);
        let mut call = script.prepare_invoke();
        call.key(Key::BlockedPeople.text()).arg(subject).arg(now.0).arg(administrators);
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }

    /// Unblocks a person. Returns `false` if the person was not blocked.
    pub async fn unblock(&self, subject: &str) -> Result<bool, Error> {
        self.unbar(&Key::BlockedPeople, subject).await
    }

    /// Returns the time at which a person was blocked.
    pub async fn blocked_since(&self, subject: &str) -> Result<Option<UnixTime>, Error> {
        self.since(&Key::BlockedPeople, subject).await
    }

    /// Refuses a client, for everybody.
    pub async fn refuse_client(&self, id: &ClientId, now: UnixTime) -> Result<(), Error> {
        let mut add = redis::cmd("ZADD");
        add.arg(Key::RefusedClients.text()).arg("NX").arg(now.0).arg(id.as_str());
        Ok(add.query_async(&mut self.records.pool.get().await?).await?)
    }

    /// Admits a refused client again. Returns `false` if the client was not refused.
    pub async fn readmit_client(&self, id: &ClientId) -> Result<bool, Error> {
        self.unbar(&Key::RefusedClients, id.as_str()).await
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

    async fn unbar(&self, set: &Key<'_>, member: &str) -> Result<bool, Error> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(set.text()).arg(member);
        Ok(remove.query_async(&mut self.records.pool.get().await?).await?)
    }

    async fn since(&self, set: &Key<'_>, member: &str) -> Result<Option<UnixTime>, Error> {
        let mut score = redis::cmd("ZSCORE");
        score.arg(set.text()).arg(member);
        let score: Option<i64> = score.query_async(&mut self.records.pool.get().await?).await?;
        Ok(score.map(UnixTime))
    }
}
