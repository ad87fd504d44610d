//! A trial write: tells whether Redis takes what this program writes.

use super::{Error, Key, Store};

/// Writes two keys of different slots and deletes them, so that nothing stays. A replica and a node of a
/// cluster refuse it, a full Redis too.
const TRY: &str = r"
redis.call('SET', KEYS[1], '', 'PX', 1000)
redis.call('SET', KEYS[2], '', 'PX', 1000)
return redis.call('DEL', KEYS[1], KEYS[2])
";

/// The error codes of a Redis that will take writes again without another configuration: no memory left, no
/// snapshot or append-only file can be written, too few replicas are connected.
const FOR_NOW: [&str; 3] = ["OOM", "MISCONF", "NOREPLICAS"];

/// The answer of Redis to a write.
#[derive(Debug)]
pub enum Trial {
    /// It is written.
    Written,
    /// It is refused for now. What is there can be read, and memory can be freed.
    Refused(redis::RedisError),
}

impl Store {
    /// Tries to write. An error means that Redis does not answer, or that it refuses every write whatever
    /// its state: a replica, a node of a cluster, a user without the right.
    pub async fn try_to_write(&self) -> Result<Trial, Error> {
        let script = redis::Script::new(TRY);
        let mut call = script.prepare_invoke();
        call.key(Key::Trial("a").text()).key(Key::Trial("b").text());
        match call.invoke_async::<()>(&mut self.pool.get().await?).await {
            Ok(()) => Ok(Trial::Written),
            Err(error) if error.code().is_some_and(|code| FOR_NOW.contains(&code)) => {
                Ok(Trial::Refused(error))
            }
            Err(error) => Err(error.into()),
        }
    }
}
