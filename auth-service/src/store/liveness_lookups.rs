//! Liveness lookups of tokens in Redis. Concurrent lookups are coalesced into one round trip, because
//! a write to Redis costs more than the lookup itself.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, aio::ConnectionManager};
use tokio::sync::oneshot;

use super::{
    generations::{Revocable, are_later},
    key::Key,
};
use crate::model::{Grant, Identifier};

/// A token, and the keys of the generations that its grant presumably rests on.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) grant: Identifier,
    pub(super) jti: Identifier,
    pub(super) generations: Vec<String>,
}

/// The keys of the generations that a live token rests on, or `None` if the token is not live.
pub(super) type Answer = Option<Vec<String>>;

/// The queue of pending lookups and the connection that sends them.
pub(super) struct LivenessLookups {
    redis: ConnectionManager,
    waiting: Mutex<Vec<Lookup>>,
    asked: AtomicU64,
}

struct Lookup {
    question: Question,
    answer: oneshot::Sender<RedisResult<Answer>>,
}

impl LivenessLookups {
    pub(super) fn new(redis: ConnectionManager) -> Self {
        Self { redis, waiting: Mutex::default(), asked: AtomicU64::new(0) }
    }

    /// Returns the total number of lookups.
    pub(super) fn count(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Looks up whether a token lives. The result is never older than the call.
    pub(super) async fn ask(self: &Arc<Self>, question: Question) -> RedisResult<Answer> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            waiting.push(Lookup { question, answer });
            waiting.len() == 1
        };
        if is_first {
            // A separate task, because the first caller may be cancelled while others still wait.
            tokio::spawn(Arc::clone(self).ask_all());
        }
        answered.await.unwrap_or_else(|_| Err(unanswered()))
    }

    /// Sends all pending lookups as one batch and distributes the results.
    async fn ask_all(self: Arc<Self>) {
        let waiting = mem::take(&mut *self.waiting());
        let (questions, answers): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|lookup| (lookup.question, lookup.answer)).unzip();
        let mut found = self.found(questions).await.map(Vec::into_iter);
        for answer in answers {
            let one = match &mut found {
                Ok(found) => found.next().ok_or_else(unanswered),
                Err(error) => Err(error.clone()),
            };
            // The caller may have been cancelled.
            let _ = answer.send(one);
        }
    }

    /// Looks up all tokens. One round trip suffices if all access tokens exist, and if their grants
    /// belong to what the tokens name.
    async fn found(&self, questions: Vec<Question>) -> RedisResult<Vec<Answer>> {
        let access: Vec<String> =
            questions.iter().map(|asked| Key::Access(&asked.grant, &asked.jti).text()).collect();
        let grants: Vec<String> =
            questions.iter().map(|asked| Key::Grant(&asked.grant).text()).collect();
        let guessed: Vec<String> =
            questions.into_iter().flat_map(|asked| asked.generations).collect();
        let mut pipe = Pipeline::with_capacity(3);
        pipe.add_command(exists(&access));
        pipe.cmd("MGET").arg(&grants).cmd("MGET").arg(&guessed);
        let (count, grants, values): (usize, Vec<Option<String>>, Vec<Option<String>>) =
            pipe.query_async(&mut self.redis.clone()).await?;
        let mut known: HashMap<_, _> = guessed.into_iter().zip(values).collect();
        let there = self.which(&access, count).await?;
        let grants: Vec<Option<Grant>> = grants
            .into_iter()
            .zip(there)
            // A grant that cannot be decoded may be revoked.
            .map(|(text, there)| serde_json::from_str(&text.filter(|_| there)?).ok())
            .collect();
        let rests: Vec<Answer> = grants
            .iter()
            .map(|grant| grant.as_ref().map(|grant| grant.affiliation().keys(true)))
            .collect();
        self.read_more(&rests, &mut known).await?;
        let lives = |grant: &Grant, keys: &Vec<String>| {
            let values: Vec<_> = keys.iter().map(|key| known.get(key).cloned().flatten()).collect();
            !are_later(&values, grant.generation(), Some(grant.created_at))
        };
        let both = grants.into_iter().zip(rests);
        Ok(both
            .map(|(grant, keys)| keys.filter(|keys| grant.is_some_and(|grant| lives(&grant, keys))))
            .collect())
    }

    /// Returns which of `keys` exist, of which `count` do.
    async fn which(&self, keys: &[String], count: usize) -> RedisResult<Vec<bool>> {
        if count == keys.len() || keys.len() == 1 {
            return Ok(vec![count == keys.len(); keys.len()]);
        }
        let mut pipe = Pipeline::with_capacity(keys.len());
        for key in keys {
            pipe.cmd("EXISTS").arg(key);
        }
        pipe.query_async(&mut self.redis.clone()).await
    }

    /// Reads the generations of grants that belong to more than their tokens name, such as a second server.
    async fn read_more(
        &self,
        rests: &[Answer],
        known: &mut HashMap<String, Option<String>>,
    ) -> RedisResult<()> {
        let all = rests.iter().flatten().flatten();
        let more: Vec<String> = all.filter(|key| !known.contains_key(*key)).cloned().collect();
        if !more.is_empty() {
            let mut read = redis::cmd("MGET");
            let values: Vec<_> = read.arg(&more).query_async(&mut self.redis.clone()).await?;
            known.extend(more.into_iter().zip(values));
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Lookup>> {
        self.waiting.lock()
    }
}

fn exists(keys: &[String]) -> Cmd {
    let mut exists = Cmd::with_capacity(1 + keys.len(), 64 * (1 + keys.len()));
    exists.arg("EXISTS").arg(keys);
    exists
}

fn unanswered() -> RedisError {
    (ErrorKind::Client, "the liveness lookup got no result").into()
}
