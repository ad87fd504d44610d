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

use deadpool_redis::PoolError;
use parking_lot::{Mutex, MutexGuard};
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult};
use tokio::sync::oneshot;

use super::{
    generations::{Revocable, are_later, counter_of},
    key::Key,
    link::{Connections, SharedLink},
};
use crate::model::{Generation, Grant, Identifier};

/// A token to look up.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) grant: Identifier,
    pub(super) jti: Identifier,
    /// The counter of revocations at an earlier look at the generations of the grant. While it is the same,
    /// they need no further look.
    pub(super) checked: Option<u64>,
}

/// The state of a live token.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// The counter of revocations.
    pub(super) counter: Generation,
    /// The keys of the generations of the servers of the grant, if the grant was looked at.
    pub(super) servers: Option<Vec<String>>,
}

/// The state of a token, or `None` if it is not live.
pub(super) type Answer = Option<Live>;

/// The queue of pending lookups and the connections that send them.
pub(super) struct LivenessLookups {
    shared: SharedLink,
    /// For lookups that the replicas must confirm one by one.
    pool: Connections,
    waiting: Mutex<Vec<Lookup>>,
    asked: AtomicU64,
    /// The counter of revocations at the latest lookup.
    counter: AtomicU64,
}

struct Lookup {
    question: Question,
    answer: oneshot::Sender<RedisResult<Answer>>,
}

/// The source of the answers to one batch.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The shared connection. An uncertain answer is an error.
    Shared(&'a SharedLink),
    /// The pool, which has each answer confirmed.
    Pool(&'a Connections),
}

/// The reason why a source has no answer.
enum Failure {
    Redis(RedisError),
    /// No majority has confirmed lately that this node is the master.
    Uncertain,
}

impl LivenessLookups {
    pub(super) fn new(shared: SharedLink, pool: Connections) -> Self {
        Self {
            shared,
            pool,
            waiting: Mutex::default(),
            asked: AtomicU64::new(0),
            counter: AtomicU64::new(0),
        }
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
        let mut found = self.found(&questions).await.map(Vec::into_iter);
        for answer in answers {
            let one = match &mut found {
                Ok(found) => found.next().ok_or_else(unanswered),
                Err(error) => Err(error.clone()),
            };
            // The caller may have been cancelled.
            let _ = answer.send(one);
        }
    }

    /// Looks up all tokens over the shared connection. Starts over with the pool after an uncertain
    /// answer: the other answers of the batch may be from the same replaced master.
    async fn found(&self, questions: &[Question]) -> RedisResult<Vec<Answer>> {
        let mut found = Source::Shared(&self.shared).found(questions, &self.counter).await;
        if let Err(Failure::Uncertain) = found {
            found = Source::Pool(&self.pool).found(questions, &self.counter).await;
        }
        found.map_err(|failure| match failure {
            Failure::Redis(error) => error,
            Failure::Uncertain => unanswered(),
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Lookup>> {
        self.waiting.lock()
    }
}

impl Source<'_> {
    /// Looks up all tokens. One round trip suffices if all records exist, and if there was no revocation
    /// since each grant was made or looked at. Otherwise a second one does, unless the `latest` counter that this
    /// process has seen is out of date.
    async fn found(
        self,
        questions: &[Question],
        latest: &AtomicU64,
    ) -> Result<Vec<Answer>, Failure> {
        let seen = latest.load(Ordering::Relaxed);
        let keys: Vec<[String; 2]> = questions
            .iter()
            .map(|one| [Key::Grant(&one.grant).text(), Key::Access(&one.grant, &one.jti).text()])
            .collect();
        // The grants whose generations are likely to need a look.
        let older: Vec<&String> = questions
            .iter()
            .zip(&keys)
            .filter(|(one, _)| needs_look(one, seen))
            .map(|(_, [grant, _])| grant)
            .collect();
        let mut pipe = Pipeline::with_capacity(3);
        pipe.add_command(exists(keys.as_flattened()));
        pipe.cmd("GET").arg(Key::Generation.text());
        let (count, counter, texts): (usize, Option<u64>, Vec<Option<String>>) = if older.is_empty()
        {
            let (count, counter) = self.ask_all(&pipe).await?;
            (count, counter, Vec::new())
        } else {
            pipe.cmd("MGET").arg(&older);
            self.ask_all(&pipe).await?
        };
        let there = self.which(&keys, count).await?;
        let counter = Generation(counter.unwrap_or_default());
        latest.store(counter.0, Ordering::Relaxed);
        let known: HashMap<&String, Option<String>> = older.into_iter().zip(texts).collect();
        let mut answers: Vec<Answer> = there
            .into_iter()
            .map(|there| there.then_some(Live { counter, servers: None }))
            .collect();
        let looks: Vec<(&mut Answer, &String)> = answers
            .iter_mut()
            .zip(questions)
            .zip(&keys)
            .filter(|((answer, one), _)| answer.is_some() && needs_look(one, counter.0))
            .map(|((answer, _), [grant, _])| (answer, grant))
            .collect();
        if !looks.is_empty() {
            self.look(looks, known).await?;
        }
        Ok(answers)
    }

    /// Returns for each pair of keys whether both exist. `count` is that of all that do.
    async fn which(self, all: &[[String; 2]], count: usize) -> Result<Vec<bool>, Failure> {
        let is_whole = count == all.as_flattened().len();
        if is_whole || all.len() == 1 {
            return Ok(vec![is_whole; all.len()]);
        }
        let mut pipe = Pipeline::with_capacity(all.len());
        for keys in all {
            pipe.cmd("EXISTS").arg(keys);
        }
        let found: Vec<usize> = self.ask_all(&pipe).await?;
        Ok(found.into_iter().map(|found| found == 2).collect())
    }

    /// Looks at the generations of grants, each with its key, and replaces their answers. `known` are the records
    /// that were read already.
    async fn look(
        self,
        looks: Vec<(&mut Answer, &String)>,
        known: HashMap<&String, Option<String>>,
    ) -> Result<(), Failure> {
        let keys: Vec<&String> = looks.iter().map(|(_, key)| *key).collect();
        let texts: Vec<Option<String>> = if keys.iter().all(|key| known.contains_key(*key)) {
            keys.iter().map(|key| known.get(*key).cloned().flatten()).collect()
        } else {
            self.ask(redis::cmd("MGET").arg(keys)).await?
        };
        let grants: Vec<Option<(Grant, Vec<String>)>> = texts
            .into_iter()
            .map(|text| {
                // A grant that cannot be decoded may be revoked.
                let grant: Grant = serde_json::from_str(&text?).ok()?;
                let keys = grant.affiliation().keys(true);
                Some((grant, keys))
            })
            .collect();
        let keys: Vec<&String> = grants.iter().flatten().flat_map(|(_, keys)| keys).collect();
        let values: Vec<Option<String>> = if keys.is_empty() {
            Vec::new()
        } else {
            self.ask(redis::cmd("MGET").arg(keys)).await?
        };
        let mut values = values.as_slice();
        for ((answer, _), grant) in looks.into_iter().zip(&grants) {
            let lives = grant.as_ref().and_then(|(grant, keys)| {
                let (own, rest) = values.split_at_checked(keys.len())?;
                values = rest;
                let revoked = are_later(own, grant.generation(), Some(grant.created_at));
                let servers = grant.resources.iter().map(|uri| Key::GenerationOfServer(uri).text());
                (!revoked)
                    .then(|| Live { counter: counter_of(own), servers: Some(servers.collect()) })
            });
            *answer = lives;
        }
        Ok(())
    }

    /// Runs a command that only reads.
    async fn ask<T: FromRedisValue>(self, command: &Cmd) -> Result<T, Failure> {
        match self {
            Self::Shared(link) => certain(link.ask(command).await?),
            Self::Pool(pool) => Ok(command.query_async(&mut pool.get().await?).await?),
        }
    }

    /// Runs commands that only read.
    async fn ask_all<T: FromRedisValue>(self, pipe: &Pipeline) -> Result<T, Failure> {
        match self {
            Self::Shared(link) => certain(link.ask_all(pipe).await?),
            Self::Pool(pool) => Ok(pipe.query_async(&mut pool.get().await?).await?),
        }
    }
}

/// Returns `true` if the generations of a grant must be looked at, given the counter of revocations.
fn needs_look(one: &Question, counter: u64) -> bool {
    Generation::of_grant(&one.grant).0 != counter && one.checked != Some(counter)
}

fn certain<T>((answer, is_certain): (T, bool)) -> Result<T, Failure> {
    if is_certain { Ok(answer) } else { Err(Failure::Uncertain) }
}

fn exists(keys: &[String]) -> Cmd {
    let mut exists = Cmd::with_capacity(1 + keys.len(), 64 * (1 + keys.len()));
    exists.arg("EXISTS").arg(keys);
    exists
}

fn unanswered() -> RedisError {
    (ErrorKind::Client, "the liveness lookup got no result").into()
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Redis(std::io::Error::other(error).into())
    }
}
