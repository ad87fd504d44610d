//! Liveness lookups of tokens in Redis. Concurrent lookups are coalesced into one command, because
//! a write to Redis costs more than the lookup itself.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use deadpool_redis::PoolError;
use parking_lot::{Mutex, MutexGuard};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult};
use tokio::sync::oneshot;

use super::link::{Connections, SharedLink};

/// The two keys of one token: its grant's and its own.
type Keys = [String; 2];

/// The queue of pending lookups and the connections that send them.
pub(super) struct LivenessLookups {
    shared: SharedLink,
    /// For lookups that the replicas must confirm one by one.
    pool: Connections,
    waiting: Mutex<Vec<Lookup>>,
    asked: AtomicU64,
}

struct Lookup {
    keys: Keys,
    answer: oneshot::Sender<RedisResult<bool>>,
}

impl LivenessLookups {
    pub(super) fn new(shared: SharedLink, pool: Connections) -> Self {
        Self { shared, pool, waiting: Mutex::default(), asked: AtomicU64::new(0) }
    }

    /// Returns the total number of lookups.
    pub(super) fn count(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Returns `true` if both keys exist. The result is never older than the call.
    pub(super) async fn are_there(self: &Arc<Self>, keys: Keys) -> RedisResult<bool> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            waiting.push(Lookup { keys, answer });
            waiting.len() == 1
        };
        if is_first {
            // A separate task, because the first caller may be cancelled while others still wait.
            tokio::spawn(Arc::clone(self).ask());
        }
        answered.await.unwrap_or_else(|_| Err(unanswered()))
    }

    /// Sends all pending lookups as one batch and distributes the results.
    async fn ask(self: Arc<Self>) {
        let questions = mem::take(&mut *self.waiting());
        let (keys, answers): (Vec<_>, Vec<_>) =
            questions.into_iter().map(|question| (question.keys, question.answer)).unzip();
        let mut found = self.found(&keys).await.map(Vec::into_iter);
        for answer in answers {
            let one = match &mut found {
                Ok(found) => found.next().ok_or_else(unanswered),
                Err(error) => Err(error.clone()),
            };
            // The caller may have been cancelled.
            let _ = answer.send(one);
        }
    }

    /// Returns for each pair of keys whether both exist. Counts the keys of all pairs first, which
    /// suffices if all exist; otherwise queries each pair in one pipeline.
    async fn found(&self, all: &[Keys]) -> RedisResult<Vec<bool>> {
        let count = all.as_flattened().len();
        let mut exists = Cmd::with_capacity(1 + count, 64 * (1 + count));
        exists.arg("EXISTS").arg(all.as_flattened());
        let (found, is_certain): (usize, bool) = self.shared.ask(&exists).await?;
        if is_certain && (found == count || all.len() == 1) {
            return Ok(vec![found == count; all.len()]);
        }
        let mut pipe = Pipeline::with_capacity(all.len());
        for keys in all {
            pipe.cmd("EXISTS").arg(keys);
        }
        let (mut found, is_certain): (Vec<usize>, bool) = self.shared.ask_all(&pipe).await?;
        if !is_certain {
            // No majority has confirmed lately that this node is the master. The pool asks for it.
            let mut connection = self.pool.get().await.map_err(unavailable)?;
            found = pipe.query_async(&mut connection).await?;
        }
        Ok(found.into_iter().map(|found| found == 2).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Lookup>> {
        self.waiting.lock()
    }
}

fn unanswered() -> RedisError {
    (ErrorKind::Client, "the liveness lookup got no result").into()
}

fn unavailable(error: PoolError) -> RedisError {
    std::io::Error::other(error).into()
}
