//! The check of each new connection: the node must be a master and no part of a Redis Cluster.

use std::collections::HashMap;

use redis::{ErrorKind, RedisError, RedisResult, Role, Value, aio::MultiplexedConnection};

/// The reason why a node cannot store the records of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A node of a Redis Cluster, whose slots would divide the records.
    #[error(
        "REDIS_URL names a node of a Redis Cluster, which is not supported: use a Redis without \
         cluster mode, with Redis Sentinel for failover"
    )]
    Cluster,
    /// A Sentinel, which stores nothing.
    #[error(
        "REDIS_URL names a Redis Sentinel, which stores nothing: write \
         redis+sentinel://HOST:PORT/0?master=NAME"
    )]
    Sentinel,
    /// A replica, which takes no writes.
    #[error(
        "REDIS_URL names a replica, which takes no writes: name the master, or the Sentinels that \
         know it"
    )]
    Replica,
}

/// Checks the node behind a new connection. Returns the number of its connected replicas, or `None`
/// if this user may not ask.
pub(super) async fn check(
    connection: &mut MultiplexedConnection,
) -> RedisResult<Result<Option<usize>, Unfit>> {
    let (hello, role): (RedisResult<Value>, RedisResult<Value>) = {
        let mut pipe = redis::pipe();
        pipe.ignore_errors().cmd("HELLO").cmd("ROLE");
        let mut answers: Vec<RedisResult<Value>> = pipe.query_async(connection).await?;
        let role = answers.pop().unwrap_or_else(|| Err(unanswered()));
        (answers.pop().unwrap_or_else(|| Err(unanswered())), role)
    };
    let hello: HashMap<String, Value> = hello.and_then(read).unwrap_or_default();
    let text = |name: &str| match hello.get(name) {
        Some(Value::BulkString(text)) => text.as_slice(),
        Some(Value::SimpleString(text)) => text.as_bytes(),
        _ => &[],
    };
    Ok(match (text("mode"), role.and_then(read::<Role>)) {
        (b"sentinel", _) | (_, Ok(Role::Sentinel { .. })) => Err(Unfit::Sentinel),
        (b"cluster", _) => Err(Unfit::Cluster),
        (_, Ok(Role::Replica { .. })) => Err(Unfit::Replica),
        (_, Ok(Role::Primary { replicas, .. })) => Ok(Some(replicas.len())),
        _ if text("role") == b"replica" => Err(Unfit::Replica),
        // A user without permission for either command is not stopped by a check of its own.
        _ => Ok(None),
    })
}

fn read<T: redis::FromRedisValue>(value: Value) -> RedisResult<T> {
    redis::from_redis_value(value).map_err(RedisError::from)
}

fn unanswered() -> RedisError {
    (ErrorKind::Client, "a command got no answer").into()
}
