//! Removal of grants and access tokens. The feed is told first, then the records are deleted, and then the
//! index entries. Whatever interrupts it, a repetition completes it.

use redis::Script;

use super::{
    AuditEntry, Error, Records,
    audit::outbox::{Posting, add_announcement},
    generations::Revocable,
    index::owners,
    key::Key,
};
use crate::model::{Fingerprint, Grant, Identifier};

/// The maximum length of the feed, with about 100 bytes per entry. A reader that missed more gets a
/// reset.
pub(super) const KEPT: usize = 10_000;

/// Adds hashes to the feed. Works even when Redis is full, because a revocation frees memory.
const TELL: &str = r"#!lua flags=allow-oom
for i = 2, #ARGV do
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'ended', ARGV[i])
end
return 1
";

impl Records {
    /// Adds the hashes of `ids` to the feed of ended grants and access tokens.
    async fn tell<'a>(&self, ids: impl Iterator<Item = &'a Identifier>) -> Result<(), Error> {
        let script = Script::new(TELL);
        let mut call = script.prepare_invoke();
        call.key(Key::EndedGrants.text()).arg(KEPT);
        for id in ids {
            call.arg(Fingerprint::of(id.as_str()).as_str());
        }
        Ok(call.invoke_async(&mut self.pool.get().await?).await?)
    }

    /// Removes grants with their access tokens and index entries, and notifies the proxies. Returns the
    /// number of those that existed. An event is of the first grant, if it existed.
    pub(in crate::store) async fn remove_grants(
        &self,
        ids: &[Identifier],
        entry: Option<&AuditEntry>,
    ) -> Result<usize, Error> {
        if ids.is_empty() {
            return Ok(0);
        }
        let keys: Vec<String> = ids.iter().map(|id| Key::Grant(id).text()).collect();
        let mut pipe = redis::pipe();
        pipe.cmd("MGET").arg(&keys);
        for id in ids {
            pipe.cmd("ZRANGE").arg(Key::Tokens(id).text()).arg(0).arg(-1);
        }
        let first = keys.first().map_or("", String::as_str);
        add_announcement(&mut pipe, first, entry);
        let (texts, tokens, posting) = {
            let mut answers: Vec<redis::Value> =
                pipe.query_async(&mut self.pool.get().await?).await?;
            let posting = Posting::answered(first, entry, &mut answers)?;
            let (texts, tokens) = read_all(answers)?;
            (texts, tokens, posting)
        };
        let there = || ids.iter().zip(&texts).filter(|(_, text)| text.is_some());
        if there().next().is_none() {
            return Ok(0);
        }
        self.tell(there().map(|(id, _)| id)).await?;
        let removed = match entry {
            Some(_) => usize::from(self.delete_posting(first, &posting).await?),
            None => 0,
        };
        let others = keys.get(usize::from(entry.is_some())..).unwrap_or_default().to_vec();
        let removed = removed + self.delete_all(&others).await?;
        let mut connection = self.pool.get().await?;
        for key in &keys {
            // Redis sends this invalidation as well, but it must take effect before the caller
            // continues.
            self.tracker.changed(key.as_bytes());
        }
        let mut pipe = redis::pipe();
        for (id, jtis) in ids.iter().zip(tokens) {
            let tokens = jtis.iter().map(|jti| Key::Access(id, &Identifier::parsed(jti)).text());
            pipe.cmd("DEL").arg(Key::Tokens(id).text()).arg(tokens.collect::<Vec<_>>()).ignore();
        }
        for (id, text) in there() {
            // Of a damaged grant nothing is known. Readers trim its entries.
            let grant = text.as_deref().and_then(|text| serde_json::from_str::<Grant>(text).ok());
            if let Some(grant) = &grant {
                let uses = Key::Uses(&grant.user.subject).text();
                pipe.cmd("HDEL").arg(uses).arg(id.as_str()).ignore();
            }
            for owner in
                grant.iter().flat_map(|grant| owners(&grant.affiliation(), grant.created_at))
            {
                pipe.cmd("ZREM").arg(Key::Grants(owner).text()).arg(id.as_str()).ignore();
            }
        }
        let () = pipe.exec_async(&mut connection).await?;
        Ok(removed)
    }

    /// Removes one access token with its event, and notifies the proxies. Returns `true` if it existed.
    pub(in crate::store) async fn remove_access(
        &self,
        grant: &Identifier,
        jti: &Identifier,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        let key = Key::Access(grant, jti);
        if !self.exists(&key).await? {
            return Ok(false);
        }
        self.tell(std::iter::once(jti)).await?;
        let there = self.delete_with(&key, entry).await?;
        self.leave(&Key::Tokens(grant), jti.as_str()).await?;
        Ok(there)
    }
}

type Texts = Vec<Option<String>>;

/// Reads the values of grants, and the access tokens of each.
fn read_all(answers: Vec<redis::Value>) -> Result<(Texts, Vec<Vec<String>>), Error> {
    let mut answers = answers.into_iter();
    let texts = answers.next().map(redis::from_redis_value).transpose();
    let texts = texts.map_err(redis::RedisError::from)?.unwrap_or_default();
    let tokens = answers.map(redis::from_redis_value).collect::<Result<_, _>>();
    Ok((texts, tokens.map_err(redis::RedisError::from)?))
}
