//! All that is kept, out of Redis and back into it, each key with its moment of expiry.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Error, Store,
    key::{Key, PREFIX, SORTED_SETS},
};
use crate::model::UnixTime;

/// Keys at a time.
const BATCH: usize = 500;

/// A key and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// When it ends, in milliseconds since 1970; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
    /// What it holds.
    #[serde(flatten)]
    pub value: Held,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// A text.
    String(String),
    /// Members and their scores, which may be infinite and so are texts.
    SortedSet(Vec<(String, String)>),
}

/// What became of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Written.
    pub written: usize,
    /// Ended meanwhile.
    pub ended: usize,
}

impl Store {
    /// Hands every key to `take`, except counters of limits, which end within minutes, and the feed
    /// of ended grants, which is for the proxies that run now. Each is as it
    /// was at one moment; all of them together are not.
    pub async fn dump<E: From<Error>>(
        &self,
        mut take: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let keys: Vec<String> = self.all_keys().await?.into_iter().collect();
        for keys in keys.chunks(BATCH) {
            for entry in self.entries(keys).await? {
                take(entry)?;
            }
        }
        Ok(())
    }

    /// Which of `entries` would replace something.
    pub async fn present(&self, entries: &[Entry]) -> Result<usize, Error> {
        let mut connection = self.pool.get().await?;
        let mut present = 0;
        for entries in entries.chunks(BATCH) {
            let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            let found: usize = redis::cmd("EXISTS").arg(keys).query_async(&mut connection).await?;
            present += found;
        }
        Ok(present)
    }

    /// Writes `entries` in place of what has their keys.
    pub async fn restore(&self, entries: &[Entry], now: UnixTime) -> Result<Restored, Error> {
        let mut connection = self.pool.get().await?;
        let mut done = Restored::default();
        for entries in entries.chunks(BATCH) {
            let mut pipe = redis::pipe();
            for entry in entries {
                if entry.expires_at_ms.is_some_and(|end| end <= now.0.saturating_mul(1000)) {
                    done.ended += 1;
                } else {
                    entry.write(&mut pipe);
                    done.written += 1;
                }
            }
            pipe.exec_async(&mut connection).await?;
        }
        Ok(done)
    }

    async fn all_keys(&self) -> Result<BTreeSet<String>, Error> {
        let mut connection = self.pool.get().await?;
        let (mut all, mut cursor) = (BTreeSet::new(), 0_u64);
        let counters = format!("{PREFIX}limit:");
        // Restored, it would name grants that are back.
        let feed = Key::EndedGrants.text();
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(format!("{PREFIX}*")).arg("COUNT").arg(BATCH);
            let (next, keys): (u64, Vec<String>) = command.query_async(&mut connection).await?;
            // A key may be told more than once.
            let kept = |key: &String| !key.starts_with(&counters) && *key != feed;
            all.extend(keys.into_iter().filter(kept));
            cursor = next;
            if cursor == 0 {
                return Ok(all);
            }
        }
    }

    async fn entries(&self, keys: &[String]) -> Result<Vec<Entry>, Error> {
        let mut connection = self.pool.get().await?;
        let mut pipe = redis::pipe();
        pipe.atomic();
        let sorted_sets = SORTED_SETS.map(|key| key.text());
        for key in keys {
            pipe.cmd("PEXPIRETIME").arg(key);
            if sorted_sets.contains(key) {
                pipe.cmd("ZRANGE").arg(key).arg(0).arg(-1).arg("WITHSCORES");
            } else {
                pipe.cmd("GET").arg(key);
            }
        }
        let answers: Vec<redis::Value> = pipe.query_async(&mut connection).await?;
        let mut answers = answers.into_iter();
        let mut entries = Vec::new();
        for key in keys {
            let (Some(end), Some(value)) = (answers.next(), answers.next()) else { break };
            let end: i64 = redis::from_redis_value(end).map_err(redis::RedisError::from)?;
            let value = if sorted_sets.contains(key) {
                let members = redis::from_redis_value(value).map_err(redis::RedisError::from)?;
                Some(Held::SortedSet(members))
            } else {
                let text: Option<String> =
                    redis::from_redis_value(value).map_err(redis::RedisError::from)?;
                text.map(Held::String)
            };
            // -2: it ended between the list and now.
            let Some(value) = value.filter(|_| end != -2) else { continue };
            let expires_at_ms = (end >= 0).then_some(end);
            entries.push(Entry { key: key.clone(), expires_at_ms, value });
        }
        Ok(entries)
    }
}

impl Entry {
    /// Whether it is of this program.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.key.starts_with(PREFIX)
    }

    fn write(&self, pipe: &mut redis::Pipeline) {
        match &self.value {
            Held::String(text) => {
                let command = pipe.cmd("SET").arg(&self.key).arg(text);
                if let Some(end) = self.expires_at_ms {
                    command.arg("PXAT").arg(end);
                }
                command.ignore();
            }
            Held::SortedSet(members) => {
                pipe.cmd("DEL").arg(&self.key).ignore();
                for (member, score) in members {
                    pipe.cmd("ZADD").arg(&self.key).arg(score).arg(member).ignore();
                }
                if let Some(end) = self.expires_at_ms {
                    pipe.cmd("PEXPIREAT").arg(&self.key).arg(end).ignore();
                }
            }
        }
    }
}
