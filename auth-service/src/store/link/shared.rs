//! One connection that all tasks share, for the request path. It is opened on first use, and again
//! after it was lost or after another node became the master.

use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;
use redis::{
    Cmd, Pipeline, ProtocolVersion, RedisError, RedisFuture, RedisResult, Role, Value,
    aio::ConnectionLike,
};

use super::{
    master::{ConnectError, Linked, Master},
    patient,
};

/// A shared connection to the master.
#[derive(Clone)]
pub(in crate::store) struct SharedLink {
    master: Arc<Master>,
    open: Arc<Mutex<Option<Linked>>>,
    /// Held while connecting, so that concurrent callers share the result.
    latest: Arc<tokio::sync::Mutex<Option<Failure>>>,
}

/// A failed attempt to connect, and its end.
struct Failure {
    error: RedisError,
    at: Instant,
}

impl SharedLink {
    pub(in crate::store) fn to(master: Arc<Master>) -> Self {
        Self { master, open: Arc::default(), latest: Arc::default() }
    }

    /// Returns the connection, and opens it first if necessary.
    async fn linked(&self) -> RedisResult<Linked> {
        let arrived = Instant::now();
        if let Some(linked) = self.current() {
            return Ok(linked);
        }
        let mut latest = self.latest.lock().await;
        if let Some(linked) = self.current() {
            return Ok(linked);
        }
        // Those who waited for a failed attempt do not all repeat it, one after the other.
        if let Some(failure) = latest.as_ref().filter(|failure| failure.at >= arrived) {
            return Err(failure.error.clone());
        }
        // Boxed, because it is rare and much larger than what every request needs.
        match Box::pin(self.master.connect(&patient(), ProtocolVersion::RESP2)).await {
            Ok(linked) => {
                *self.open.lock() = Some(linked.clone());
                *latest = None;
                Ok(linked)
            }
            Err(error) => {
                let error = match error {
                    ConnectError::Redis(error) => error,
                    ConnectError::Unfit(unfit) => std::io::Error::other(unfit).into(),
                };
                *latest = Some(Failure { error: error.clone(), at: Instant::now() });
                Err(error)
            }
        }
    }

    fn current(&self) -> Option<Linked> {
        let open = self.open.lock();
        open.as_ref().filter(|linked| linked.term == self.master.term.number()).cloned()
    }

    /// Runs `command`. Returns its answer, and `true` if it is certain that the master gave it.
    pub(in crate::store) async fn ask<T: redis::FromRedisValue>(
        &self,
        command: &Cmd,
    ) -> RedisResult<(T, bool)> {
        let mut linked = self.linked().await?;
        let answer = command.query_async(&mut linked.connection).await;
        self.with_certainty(&linked, answer)
    }

    /// Runs the commands of `pipeline`, like [`Self::ask`].
    pub(in crate::store) async fn ask_all<T: redis::FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> RedisResult<(T, bool)> {
        let mut linked = self.linked().await?;
        let answer = pipeline.query_async(&mut linked.connection).await;
        self.with_certainty(&linked, answer)
    }

    fn with_certainty<T>(&self, linked: &Linked, answer: RedisResult<T>) -> RedisResult<(T, bool)> {
        let answer = self.noted(linked, answer)?;
        Ok((answer, self.master.term.is_confirmed(linked.term)))
    }

    /// Counts the replicas that are connected to the master.
    pub(super) async fn count_replicas(&self) {
        let Ok(mut linked) = self.linked().await else { return };
        let role = redis::cmd("ROLE").query_async(&mut linked.connection).await;
        match self.noted(&linked, role) {
            Ok(Role::Primary { replicas, .. }) => {
                self.master.term.meet(linked.term, Some(replicas.len()));
            }
            Ok(_) => self.master.term.end(linked.term),
            Err(error) => log::debug!("the replicas of Redis cannot be counted: {error}"),
        }
    }

    fn noted<T>(&self, linked: &Linked, answer: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &answer
            && self.master.term.failed(linked.term, error)
        {
            self.open.lock().take_if(|open| open.number == linked.number);
        }
        answer
    }
}

impl ConnectionLike for SharedLink {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move { Ok(self.ask(command).await?.0) })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let mut linked = self.linked().await?;
            let connection = &mut linked.connection;
            let answers = connection.req_packed_commands(pipeline, offset, count).await;
            self.noted(&linked, answers)
        })
    }

    fn get_db(&self) -> i64 {
        0
    }
}
