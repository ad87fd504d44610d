//! The pool of connections for everything but the request path. Each operation is confirmed by the
//! replicas before it counts.

use std::{sync::Arc, time::Duration};

use deadpool::{
    Runtime,
    managed::{self, Metrics, Object, Pool, RecycleError, RecycleResult, Timeouts},
};
use redis::{
    Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisError, RedisFuture, RedisResult, Value,
    aio::ConnectionLike,
};

use super::{
    OPERATION_TIMEOUT,
    fence::Fence,
    master::{ConnectError, Linked, Master},
    patient,
    replication::Effect,
};

/// The maximum number of connections.
const SIZE: usize = 16;

/// The time that replicas get for a write. It is shorter than [`OPERATION_TIMEOUT`].
const PATIENCE: Duration = Duration::from_secs(1);

/// The commands that only read. Any other command counts as a write.
const READS: [&[u8]; 17] = [
    b"EXISTS",
    b"GET",
    b"HGET",
    b"HKEYS",
    b"MGET",
    b"PEXPIRETIME",
    b"PING",
    b"SCAN",
    b"SCRIPT",
    b"STRLEN",
    b"TTL",
    b"XRANGE",
    b"ZCARD",
    b"ZRANDMEMBER",
    b"ZRANGE",
    b"ZREVRANK",
    b"ZSCORE",
];

/// The error of a connection that cannot be taken from the pool.
pub type PoolError = managed::PoolError<ConnectError>;

/// The pool of connections to the master.
#[derive(Clone)]
pub(in crate::store) struct Connections {
    pool: Pool<Opener>,
    master: Arc<Master>,
}

/// A connection of the pool.
pub(in crate::store) struct Connection {
    pooled: Object<Opener>,
    master: Arc<Master>,
}

/// Opens and checks the connections of the pool.
struct Opener {
    master: Arc<Master>,
}

/// A connection, and whether it may be used again.
struct Pooled {
    linked: Linked,
    is_lost: bool,
}

impl managed::Manager for Opener {
    type Type = Pooled;
    type Error = ConnectError;

    async fn create(&self) -> Result<Pooled, ConnectError> {
        // Boxed, because it is rare and much larger than what every request needs.
        let linked = Box::pin(self.master.connect(&patient(), ProtocolVersion::RESP2)).await?;
        Ok(Pooled { linked, is_lost: false })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<ConnectError> {
        if pooled.is_lost || pooled.linked.reign != self.master.reign() {
            return Err(RecycleError::message("the connection is not to the current master"));
        }
        let ping: RedisResult<String> =
            redis::cmd("PING").query_async(&mut pooled.linked.connection).await;
        match ping {
            Ok(_) => Ok(()),
            Err(error) => Err(RecycleError::Backend(error.into())),
        }
    }
}

impl Connections {
    pub(in crate::store) fn to(master: Arc<Master>) -> Result<Self, managed::BuildError> {
        let pool = Pool::builder(Opener { master: Arc::clone(&master) })
            .max_size(SIZE)
            .timeouts(Timeouts {
                wait: Some(OPERATION_TIMEOUT),
                create: Some(OPERATION_TIMEOUT),
                recycle: Some(OPERATION_TIMEOUT),
            })
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { pool, master })
    }

    /// Takes a connection out of the pool, or opens one.
    pub(in crate::store) async fn get(&self) -> Result<Connection, PoolError> {
        let pooled = self.pool.get().await?;
        Ok(Connection { pooled, master: Arc::clone(&self.master) })
    }
}

impl Connection {
    /// Notes an error, and returns it.
    fn failed(&mut self, error: RedisError) -> RedisError {
        if self.master.failed(self.pooled.linked.reign, &error) {
            self.pooled.is_lost = true;
        }
        error
    }

    /// Waits until enough replicas have what the master did before.
    async fn confirm(&mut self, effect: Effect) -> RedisResult<()> {
        let needed = self.master.needed(self.pooled.linked.reign, effect);
        let passed = match needed {
            Some(0) => return Ok(()),
            Some(needed) => {
                Fence::new(needed, PATIENCE).pass(&mut self.pooled.linked.connection).await
            }
            None => {
                self.pooled.is_lost = true;
                Err((ErrorKind::Client, "the Redis master has changed").into())
            }
        };
        passed.map_err(|error| self.failed(error))
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let answer = self.pooled.linked.connection.req_packed_command(command).await;
            let answer = answer.and_then(Value::extract_error);
            let answer = answer.map_err(|error| self.failed(error))?;
            self.confirm(effect(command)).await?;
            Ok(answer)
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let connection = &mut self.pooled.linked.connection;
            let answers = connection.req_packed_commands(pipeline, offset, count).await;
            let answers = answers.map_err(|error| self.failed(error))?;
            for answer in &answers {
                if let Value::ServerError(error) = answer {
                    self.failed(error.clone().into());
                }
            }
            let reads = pipeline.cmd_iter().all(|command| effect(command) == Effect::Read);
            self.confirm(if reads { Effect::Read } else { Effect::Write }).await?;
            Ok(answers)
        })
    }

    fn get_db(&self) -> i64 {
        self.pooled.linked.connection.get_db()
    }
}

fn effect(command: &Cmd) -> Effect {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(name)) if READS.contains(&name) => Effect::Read,
        _ => Effect::Write,
    }
}
