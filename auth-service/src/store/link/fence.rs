//! The proof that replicas have everything that the master did before: a small write and `WAIT`.
//!
//! `WAIT` alone covers only the writes of its own connection. With the fence, it also covers writes
//! of others that an operation found, such as those of an earlier attempt.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, Role, Value, aio::ConnectionLike};

use super::{node::Address, quorum::Quorum};
use crate::store::key::Key;

/// Writes a key that expires by itself. Works even when Redis is full.
const WRITE: &str = "#!lua flags=allow-oom
redis.call('SET', KEYS[1], '', 'PX', 1000)
";

/// The pause before the master is asked again which replicas have confirmed.
const PAUSE: Duration = Duration::from_millis(20);

/// A fence that replicas must confirm.
#[derive(Clone, Debug)]
pub(in crate::store) struct Fence {
    quorum: Quorum,
    patience: Duration,
}

impl Fence {
    /// A fence that a number of any replicas must confirm.
    pub(in crate::store) fn new(needed: usize, patience: Duration) -> Self {
        Self::of(Quorum::any(needed), patience)
    }

    pub(super) const fn of(quorum: Quorum, patience: Duration) -> Self {
        Self { quorum, patience }
    }

    /// Writes the fence and waits for the replicas. Fails if too few confirm it in time.
    pub(in crate::store) async fn pass(
        self,
        connection: &mut impl ConnectionLike,
    ) -> RedisResult<()> {
        let end = Instant::now() + self.patience;
        let patience = u64::try_from(self.patience.as_millis()).unwrap_or(1);
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        pipe.cmd("EVAL").arg(WRITE).arg(1).arg(Key::Trial("replicas").text());
        // The offset of the fence, or a later one.
        pipe.cmd("ROLE");
        pipe.cmd("WAIT").arg(self.quorum.count).arg(patience);
        let answers: Vec<RedisResult<Value>> = pipe.query_async(connection).await?;
        let [written, role, confirmed] = <[_; 3]>::try_from(answers)
            .map_err(|_| RedisError::from((ErrorKind::Client, "a command got no answer")))?;
        written?;
        let confirmed: usize = parse(confirmed)?;
        if self.quorum.is_met_by_number(confirmed) {
            return Ok(());
        }
        let fence = match parse(role) {
            Ok(Role::Primary { replication_offset, .. }) if confirmed >= self.quorum.count => {
                replication_offset
            }
            // Without permission for ROLE, the number decides.
            _ => return Err(too_few(format!("{confirmed} of {} needed", self.quorum.count))),
        };
        loop {
            let role = redis::cmd("ROLE").query_async(connection).await?;
            let confirmed = confirmed_by(role, fence);
            let missing = self.quorum.missing(&confirmed);
            if missing.is_empty() {
                return Ok(());
            }
            if Instant::now() >= end {
                let names = missing.iter().map(|(host, port)| format!("{host}:{port}"));
                return Err(too_few(format!("not {}", names.collect::<Vec<_>>().join(", "))));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Returns the replicas that have confirmed everything up to `fence`.
fn confirmed_by(role: Role, fence: u64) -> BTreeSet<Address> {
    let Role::Primary { replicas, .. } = role else { return BTreeSet::new() };
    replicas
        .into_iter()
        .filter(|replica| u64::try_from(replica.replication_offset).is_ok_and(|at| at >= fence))
        .map(|replica| (replica.ip, replica.port))
        .collect()
}

fn parse<T: FromRedisValue>(answer: RedisResult<Value>) -> RedisResult<T> {
    redis::from_redis_value(answer?).map_err(RedisError::from)
}

fn too_few(details: String) -> RedisError {
    RedisError::from((ErrorKind::Client, "too few replicas have the change", details))
}
