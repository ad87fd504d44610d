//! The pool of connections for everything but the request path. Each operation is confirmed by the
//! replicas before it counts.

use std::{sync::Arc, time::Duration};

use deadpool_redis::{Hook, HookError, Manager, Pool, PoolError, Runtime, TimeoutType, Timeouts};
use parking_lot::Mutex;
use redis::{
    Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisError, RedisFuture, RedisResult, Value,
    aio::ConnectionLike,
};

use super::{
    OPERATION_TIMEOUT, fence::Fence, fitness, master::Master, node::Address, patient,
    replication::Effect, term::Place,
};

/// The maximum number of connections.
const SIZE: usize = 16;

/// The time that replicas get for a write. It is shorter than [`OPERATION_TIMEOUT`].
const PATIENCE: Duration = Duration::from_secs(1);

/// The commands that only read. Any other command counts as a write.
const READS: [&[u8]; 20] = [
    b"EXISTS",
    b"GET",
    b"HGET",
    b"HKEYS",
    b"LRANGE",
    b"MGET",
    b"PEXPIRETIME",
    b"PING",
    b"SCAN",
    b"SCRIPT",
    b"STRLEN",
    b"TIME",
    b"TTL",
    b"XRANGE",
    b"XREVRANGE",
    b"ZCARD",
    b"ZRANDMEMBER",
    b"ZRANGE",
    b"ZREVRANK",
    b"ZSCORE",
];

/// The connections to the master: one pool for each term. A lost connection ends its pool, because
/// what happened to one connection probably happened to all.
#[derive(Clone)]
pub(in crate::store) struct Connections {
    master: Arc<Master>,
    current: Arc<Mutex<Option<Current>>>,
}

/// The pool of the current term.
#[derive(Clone)]
struct Current {
    term: u64,
    /// Tells pools of one term apart.
    number: u64,
    pool: Pool,
}

/// A connection of the pool.
pub(in crate::store) struct Connection {
    pooled: deadpool_redis::Connection,
    term: u64,
    number: u64,
    all: Connections,
}

impl Connections {
    pub(in crate::store) fn to(master: Arc<Master>) -> Self {
        Self { master, current: Arc::default() }
    }

    /// Takes a connection out of the pool, or opens one.
    pub(in crate::store) async fn get(&self) -> Result<Connection, PoolError> {
        let Current { term, number, pool } = self.current().await?;
        // Boxed, because it is much larger than what most callers hold.
        match Box::pin(pool.get()).await {
            Ok(pooled) => Ok(Connection { pooled, term, number, all: self.clone() }),
            Err(error) => {
                // A full pool says nothing about the master.
                if !matches!(error, PoolError::Timeout(TimeoutType::Wait)) {
                    self.master.term.doubt(term);
                }
                Err(error)
            }
        }
    }

    /// Returns the pool of the current term.
    async fn current(&self) -> Result<Current, PoolError> {
        let term = self.master.term.number();
        let known = self.current.lock().clone();
        if let Some(known) = known.filter(|known| known.term == term) {
            return Ok(known);
        }
        let Place { address, term } = self.master.locate().await?;
        let mut current = self.current.lock();
        if let Some(current) = current.as_ref().filter(|current| current.term == term) {
            return Ok(current.clone());
        }
        let pool = self.open(address.as_ref(), term)?;
        Ok(current.insert(Current { term, number: self.master.next_number(), pool }).clone())
    }

    fn open(&self, address: Option<&Address>, term: u64) -> Result<Pool, PoolError> {
        let client = self.master.client(address, ProtocolVersion::RESP2)?;
        let server = client.get_connection_info().clone();
        let master = Arc::clone(&self.master);
        let check = Hook::async_fn(move |connection, _| {
            let master = Arc::clone(&master);
            Box::pin(async move {
                let checked = fitness::check(connection).await.map_err(HookError::Backend)?;
                let replicas = checked.map_err(|unfit| HookError::message(unfit.to_string()))?;
                master.term.meet(term, replicas);
                Ok(())
            })
        });
        Pool::builder(Manager::new_with_config(server, patient())?)
            .max_size(SIZE)
            .timeouts(Timeouts {
                wait: Some(OPERATION_TIMEOUT),
                create: Some(OPERATION_TIMEOUT),
                recycle: Some(OPERATION_TIMEOUT),
            })
            .runtime(Runtime::Tokio1)
            .post_create(check)
            .build()
            .map_err(|_| PoolError::NoRuntimeSpecified)
    }
}

impl Connection {
    /// Notes an error, and returns it.
    fn failed(&self, error: RedisError) -> RedisError {
        if self.all.master.term.failed(self.term, &error) {
            self.all.current.lock().take_if(|current| current.number == self.number);
        }
        error
    }

    /// Waits until enough replicas have what the master did before.
    async fn confirm(&mut self, effect: Effect) -> RedisResult<()> {
        let passed = match self.all.master.term.quorum(self.term, effect) {
            Some(quorum) if quorum.is_empty() => return Ok(()),
            Some(quorum) => Fence::of(quorum, PATIENCE).pass(&mut self.pooled).await,
            None => Err((ErrorKind::Client, "the Redis master has changed").into()),
        };
        passed.map_err(|error| self.failed(error))
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let answer = self.pooled.req_packed_command(command).await;
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
            let answers = self.pooled.req_packed_commands(pipeline, offset, count).await;
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
        self.pooled.get_db()
    }
}

fn effect(command: &Cmd) -> Effect {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(name)) if READS.contains(&name) => Effect::Read,
        _ => Effect::Write,
    }
}
