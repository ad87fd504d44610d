//! The proof that replicas have everything that the master did before: a small write and `WAIT`.
//!
//! `WAIT` alone covers only the writes of its own connection. With the fence, it also covers writes
//! of others that an operation found, such as those of an earlier attempt.

use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult, aio::ConnectionLike};

use crate::store::key::Key;

/// Writes a key that expires by itself. Works even when Redis is full.
const WRITE: &str = "#!lua flags=allow-oom
redis.call('SET', KEYS[1], '', 'PX', 1000)
";

/// A fence that a number of replicas must confirm.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Fence {
    needed: usize,
    patience: Duration,
}

impl Fence {
    pub(in crate::store) const fn new(needed: usize, patience: Duration) -> Self {
        Self { needed, patience }
    }

    /// Writes the fence and waits for the replicas. Fails if too few confirm it in time.
    pub(in crate::store) async fn pass(
        self,
        connection: &mut impl ConnectionLike,
    ) -> RedisResult<()> {
        let mut pipe = redis::pipe();
        pipe.cmd("EVAL").arg(WRITE).arg(1).arg(Key::Trial("replicas").text()).ignore();
        pipe.cmd("WAIT")
            .arg(self.needed)
            .arg(u64::try_from(self.patience.as_millis()).unwrap_or(1));
        let (confirmed,): (usize,) = pipe.query_async(connection).await?;
        if confirmed >= self.needed {
            return Ok(());
        }
        let details = format!("{confirmed} of {} needed", self.needed);
        Err(RedisError::from((ErrorKind::Client, "too few replicas have the change", details)))
    }
}
