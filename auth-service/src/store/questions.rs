//! Whether tokens live, asked of Redis: those who ask at the same time ask together, since to write to
//! Redis and wake it costs more than its answer.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, aio::ConnectionManager};
use tokio::sync::oneshot;

/// The keys of one token: of its grant, and of itself.
type Keys = [String; 2];

/// See the module.
pub(super) struct Questions {
    redis: ConnectionManager,
    waiting: Mutex<Vec<Question>>,
    asked: AtomicU64,
}

struct Question {
    keys: Keys,
    answer: oneshot::Sender<RedisResult<bool>>,
}

impl Questions {
    pub(super) fn new(redis: ConnectionManager) -> Self {
        Self { redis, waiting: Mutex::default(), asked: AtomicU64::new(0) }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether both keys are there, as of a moment after the call.
    pub(super) async fn are_there(self: &Arc<Self>, keys: Keys) -> RedisResult<bool> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            waiting.push(Question { keys, answer });
            waiting.len() == 1
        };
        if is_first {
            // A task of its own: whoever asked first may go away, and the others still wait.
            tokio::spawn(Arc::clone(self).ask());
        }
        answered.await.unwrap_or_else(|_| Err(unanswered()))
    }

    /// Asks all that wait by now.
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
            // Who asked may have gone.
            let _ = answer.send(one);
        }
    }

    /// Of which both are there. One number tells it if that is so of all; else each is asked about.
    async fn found(&self, all: &[Keys]) -> RedisResult<Vec<bool>> {
        let mut redis = self.redis.clone();
        let count = all.as_flattened().len();
        let mut exists = Cmd::with_capacity(1 + count, 64 * (1 + count));
        let found: usize =
            exists.arg("EXISTS").arg(all.as_flattened()).query_async(&mut redis).await?;
        if found == count || all.len() == 1 {
            return Ok(vec![found == count; all.len()]);
        }
        let mut pipe = Pipeline::with_capacity(all.len());
        for keys in all {
            pipe.cmd("EXISTS").arg(keys);
        }
        let found: Vec<usize> = pipe.query_async(&mut redis).await?;
        Ok(found.into_iter().map(|found| found == 2).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Question>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unanswered() -> RedisError {
    (ErrorKind::Client, "the question was not answered").into()
}
