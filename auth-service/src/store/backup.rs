//! Backup of all records in Redis, each with its expiry. Indexes are not part of it: a restore writes them
//! again.

use serde::{Deserialize, Serialize};

use super::{
    Error, Maintenance,
    key::{Key, PREFIX, SORTED_SETS, is_derived},
};

/// The maximum number of keys in one command or pipeline.
pub(super) const BATCH: usize = 500;

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

impl Maintenance {
    /// Passes every key to `take`, batch by batch. Skips rate-limit counters, which expire within minutes,
    /// the feed of ended grants, which concerns only the proxies that run now, and the indexes. Each entry
    /// is consistent; the backup as a whole is not a snapshot of one moment, and may have a key twice.
    pub async fn dump<E: From<Error>>(
        &self,
        mut take: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{PREFIX}*")).arg("COUNT").arg(BATCH);
            let found = async {
                Ok::<_, Error>(scan.query_async(&mut self.records.pool.get().await?).await?)
            };
            let (next, mut keys): (u64, Vec<String>) = found.await?;
            let counter = Key::Generation.text();
            keys.retain(|key| !is_derived(key) && *key != counter);
            self.pass(&keys, &mut take).await?;
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        // Last, so that it is not below the generation of any record.
        self.pass(&[Key::Generation.text()], &mut take).await
    }

    async fn pass<E: From<Error>>(
        &self,
        keys: &[String],
        take: &mut impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        if keys.is_empty() {
            return Ok(());
        }
        self.entries(keys).await?.into_iter().try_for_each(take)
    }

    async fn entries(&self, keys: &[String]) -> Result<Vec<Entry>, Error> {
        let mut connection = self.records.pool.get().await?;
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
}
