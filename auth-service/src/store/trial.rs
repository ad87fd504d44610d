//! A probe that checks whether Redis accepts writes.

use super::{Error, Key, Records};

/// Writes and deletes two keys of different hash slots. A replica, a cluster node and a full Redis
/// reject it.
const TRY: &str = r"
redis.call('SET', KEYS[1], '', 'PX', 1000)
redis.call('SET', KEYS[2], '', 'PX', 1000)
return redis.call('DEL', KEYS[1], KEYS[2])
";

/// The error codes of temporary conditions, which need no change of configuration. Redis is out of
/// memory, cannot write its snapshot or append-only file, or has too few connected replicas.
const FOR_NOW: [&str; 3] = ["OOM", "MISCONF", "NOREPLICAS"];

/// The result of a write probe.
#[derive(Debug)]
pub enum Trial {
    /// Redis accepted the write.
    Written,
    /// Redis rejects writes temporarily. Records can still be read, and memory can be freed.
    Refused(redis::RedisError),
}

impl Records {
    /// Probes whether Redis accepts writes. Fails if Redis does not answer, or if it rejects writes
    /// permanently: a replica, a cluster node, or a user without the permission. A master that lost
    /// its replicas counts as unusable if another node can replace it.
    pub(super) async fn try_to_write(&self) -> Result<Trial, Error> {
        let script = redis::Script::new(TRY);
        let mut call = script.prepare_invoke();
        call.key(Key::Trial("a").text()).key(Key::Trial("b").text());
        match call.invoke_async::<()>(&mut self.pool.get().await?).await {
            Ok(()) => Ok(Trial::Written),
            Err(error) if error.code().is_some_and(|code| self.is_for_now(code)) => {
                Ok(Trial::Refused(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn is_for_now(&self, code: &str) -> bool {
        FOR_NOW.contains(&code) && !(code == "NOREPLICAS" && self.master.has_sentinels())
    }
}
