//! Typed commands on single records.

use std::time::Duration;

use serde::Serialize;

use super::{Error, Records, key::Key, record::Record};
use crate::model::UnixTime;

impl Records {
    /// Runs a command that only reads over the shared connection. Repeats it over the pool unless a
    /// majority has confirmed lately that this node is the master.
    pub(super) async fn ask<T: redis::FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<T, Error> {
        let (answer, is_certain) = self.hot.ask(command).await?;
        if is_certain {
            return Ok(answer);
        }
        Ok(command.query_async(&mut self.pool.get().await?).await?)
    }

    pub(super) async fn put<T: Serialize>(
        &self,
        key: &Key<'_>,
        record: &T,
        ttl: Ttl,
    ) -> Result<(), Error> {
        let mut command = redis::cmd("SET");
        command.arg(key.text()).arg(serde_json::to_string(record)?);
        ttl.add_to(&mut command);
        Ok(command.query_async(&mut self.pool.get().await?).await?)
    }

    /// Stores a record unless the key exists (`SET NX`). Returns `true` if it was stored. Of
    /// several concurrent callers, exactly one succeeds.
    pub(super) async fn put_new<T: Serialize>(
        &self,
        key: &Key<'_>,
        record: &T,
        ttl: Ttl,
    ) -> Result<bool, Error> {
        let mut command = redis::cmd("SET");
        command.arg(key.text()).arg(serde_json::to_string(record)?).arg("NX");
        ttl.add_to(&mut command);
        let stored: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(stored.is_some())
    }

    pub(super) async fn exists(&self, key: &Key<'_>) -> Result<bool, Error> {
        let mut command = redis::cmd("EXISTS");
        Ok(command.arg(key.text()).query_async(&mut self.pool.get().await?).await?)
    }

    pub(super) async fn read<T: Record>(
        &self,
        key: &Key<'_>,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        self.fetch(redis::cmd("GET").arg(key.text()), now).await
    }

    /// Reads and deletes a record atomically (`GETDEL`), so that only one of several concurrent
    /// callers gets it.
    pub(super) async fn take<T: Record>(
        &self,
        key: &Key<'_>,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        self.fetch(redis::cmd("GETDEL").arg(key.text()), now).await
    }

    pub(super) async fn fetch<T: Record>(
        &self,
        command: &redis::Cmd,
        now: UnixTime,
    ) -> Result<Option<T>, Error> {
        let text: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        let record: Option<T> = text.as_deref().map(serde_json::from_str).transpose()?;
        Ok(record.filter(|record| record.expires_at().is_none_or(|end| now < end)))
    }

    /// Reads the values of several keys, all of them strings.
    pub(super) async fn texts(&self, keys: &[String]) -> Result<Vec<Option<String>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        Ok(redis::cmd("MGET").arg(keys).query_async(&mut self.pool.get().await?).await?)
    }

    /// Deletes keys that no cache depends on. Returns the number of those that existed.
    pub(super) async fn delete_all(&self, keys: &[String]) -> Result<usize, Error> {
        if keys.is_empty() {
            return Ok(0);
        }
        Ok(redis::cmd("DEL").arg(keys).query_async(&mut self.pool.get().await?).await?)
    }

    pub(super) async fn delete(&self, key: &Key<'_>) -> Result<bool, Error> {
        let (key, mut command) = (key.text(), redis::cmd("DEL"));
        let was_there = command.arg(&key).query_async(&mut self.pool.get().await?).await?;
        // Redis sends this invalidation as well, but it must take effect before the caller
        // continues.
        self.tracker.changed(key.as_bytes());
        Ok(was_there)
    }
}

/// The time to live of a key in Redis.
#[derive(Clone, Copy)]
pub(super) enum Ttl {
    Never,
    After(Duration),
}

impl Ttl {
    pub(super) fn until(now: UnixTime, end: UnixTime) -> Self {
        Self::After(now.until(end))
    }

    pub(super) fn add_to(self, command: &mut redis::Cmd) {
        if let Self::After(_) = self {
            command.arg("EX").arg(self.seconds());
        }
    }

    /// Returns the time to live in seconds, at least 1, because Redis rejects 0.
    pub(super) fn seconds(self) -> u64 {
        match self {
            Self::Never => u64::from(u32::MAX),
            Self::After(span) => span.as_secs().max(1),
        }
    }
}
