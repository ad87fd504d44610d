//! Backup and restore of all records in Redis, each with its expiry.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Error, Store,
    key::{Key, PREFIX, SORTED_SETS},
};
use crate::model::UnixTime;

/// The maximum number of keys in one command or pipeline.
const BATCH: usize = 500;

/// One line of a backup: a key, its value and its expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The complete Redis key, with its prefix.
    pub key: String,
    /// The expiry in milliseconds since 1970. Absent if the key never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
    /// The value, under the name of its type.
    #[serde(flatten)]
    pub value: Held,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The text of a string key.
    String(String),
    /// The members and scores of a sorted set. Scores are strings because they may be infinite.
    SortedSet(Vec<(String, String)>),
}

/// The result of a restore, as numbers of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The number of entries that were written.
    pub written: usize,
    /// The number of entries that were skipped because they have expired.
    pub ended: usize,
}

impl Store {
    /// Passes every key to `take`. Skips rate-limit counters, which expire within minutes, and the
    /// feed of ended grants, which concerns only the proxies that run now. Each entry is
    /// consistent; the backup as a whole is not a snapshot of one moment.
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

    /// Returns the number of `entries` whose keys exist, and which a restore would overwrite.
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

    /// Writes `entries` and overwrites existing keys. Skips entries that have expired.
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
        // A restored feed would list grants that the restore has brought back.
        let feed = Key::EndedGrants.text();
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(format!("{PREFIX}*")).arg("COUNT").arg(BATCH);
            let (next, keys): (u64, Vec<String>) = command.query_async(&mut connection).await?;
            // `SCAN` may return a key more than once; the set removes duplicates.
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
            // -2: the key has expired since the scan.
            let Some(value) = value.filter(|_| end != -2) else { continue };
            let expires_at_ms = (end >= 0).then_some(end);
            entries.push(Entry { key: key.clone(), expires_at_ms, value });
        }
        Ok(entries)
    }
}

impl Entry {
    /// Returns `true` if the key has the prefix of this program.
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
