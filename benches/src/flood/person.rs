//! The person whose calls must go on, and others who log in meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use gateway_tests::client::McpClient;
use gateway_tests::stack::Stack;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::tally::chain;
use crate::stats::{millis, quantile};

/// The server whose tool is called.
pub const SERVER: &str = "everything";

/// The time between two calls.
const EVERY: Duration = Duration::from_millis(50);
/// How long a call may take: clients give up after 60 s.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time from one login to the next.
const BETWEEN: Duration = Duration::from_secs(5);
/// How long somebody looks at the consent page.
const HESITATION: Duration = Duration::from_secs(3);
/// How long a login may take besides.
const LOGIN: Duration = Duration::from_secs(30);

/// A person with a token.
pub struct Person {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// What became of calls, or of logins.
#[derive(Debug, Default)]
pub struct Calls {
    /// How long each took, in milliseconds.
    pub times: Vec<f64>,
    /// Why others failed.
    pub failures: Vec<String>,
}

impl Calls {
    /// The number of all.
    #[must_use]
    pub fn all(&self) -> usize {
        self.times.len() + self.failures.len()
    }

    /// The time in which `share` of them were answered.
    #[must_use]
    pub fn within(&self, share: f64) -> Option<f64> {
        quantile(&mut self.times.clone(), share)
    }

    /// Counts one more.
    pub fn note(&mut self, result: anyhow::Result<Duration>) {
        match result {
            Ok(took) => self.times.push(millis(took)),
            Err(error) => self.failures.push(format!("{error:#}")),
        }
    }
}

impl Person {
    /// Logs in by a code of the operator.
    pub async fn log_in(stack: &Stack, name: &str) -> anyhow::Result<Self> {
        log_in(stack, ("local", &stack.login_code(name)), Duration::ZERO).await
    }

    /// Calls a tool, as claude.ai does: without a session.
    pub async fn call(&self, number: u64) -> anyhow::Result<()> {
        let text = format!("call {number}");
        let body = json!({
            "jsonrpc": "2.0", "id": number, "method": "tools/call",
            "params": { "name": "echo", "arguments": { "message": text } },
        });
        let request = self.http.post(&self.url).bearer_auth(&self.token).timeout(PATIENCE);
        let request = request.header("Accept", "application/json, text/event-stream").json(&body);
        let answer = request.send().await.map_err(|error| anyhow::anyhow!(chain(&error)))?;
        let status = answer.status();
        let said = answer.text().await.map_err(|error| anyhow::anyhow!(chain(&error)))?;
        ensure!(status == 200, "status {status}: {said}");
        let event = said.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let message: Value = serde_json::from_str(event.unwrap_or(&said)).context(said.clone())?;
        let echo = message["result"]["content"][0]["text"].as_str().unwrap_or_default();
        ensure!(message["id"] == number && echo.ends_with(&text), "another answer: {said}");
        Ok(())
    }

    /// Calls a tool 20 times a second until `end`, whether or not earlier calls were answered. What a
    /// call takes counts from when it was due.
    pub async fn work(self: Arc<Self>, end: impl Future<Output = ()>) -> Calls {
        let mut calls = Calls::default();
        let mut open = JoinSet::new();
        let mut ticks = tokio::time::interval(EVERY);
        let mut number = 0;
        tokio::pin!(end);
        loop {
            let due = tokio::select! {
                () = &mut end => break,
                due = ticks.tick() => due,
            };
            number += 1;
            let person = Arc::clone(&self);
            open.spawn(async move { person.call(number).await.map(|()| due.elapsed()) });
            while let Some(done) = open.try_join_next() {
                calls.note(done.unwrap_or_else(|error| Err(error.into())));
            }
        }
        while let Some(done) = open.join_next().await {
            calls.note(done.unwrap_or_else(|error| Err(error.into())));
        }
        calls
    }
}

/// Others log in with GitHub and call a tool, one after the other until `end`: with a client of their
/// own each, and time to read the consent page.
pub async fn newcomers(stack: Arc<Stack>, end: impl Future<Output = ()>) -> Calls {
    let mut logins = Calls::default();
    let mut ticks = tokio::time::interval(BETWEEN);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return logins,
            _ = ticks.tick() => {}
        }
        logins.note(newcomer(&stack).await);
    }
}

/// Somebody logs in with GitHub and calls a tool; returns how long that took, without the reading.
pub async fn newcomer(stack: &Stack) -> anyhow::Result<Duration> {
    let since = Instant::now();
    log_in(stack, ("github", ""), HESITATION).await?.call(1).await?;
    Ok(since.elapsed().saturating_sub(HESITATION))
}

async fn log_in(
    stack: &Stack,
    (decision, code): (&str, &str),
    hesitation: Duration,
) -> anyhow::Result<Person> {
    let (http, issuer, url) = (stack.http(), stack.issuer().to_owned(), stack.url(SERVER));
    let (url, decision, code) = (url.to_owned(), decision.to_owned(), code.to_owned());
    // The harness panics where a login fails, which ends this task alone.
    let task = tokio::spawn(async move {
        McpClient::log_in_by(http, &issuer, &url, (&decision, &code), hesitation).await
    });
    let abort = task.abort_handle();
    let Ok(done) = tokio::time::timeout(LOGIN + hesitation, task).await else {
        abort.abort();
        anyhow::bail!("a login took longer than {LOGIN:?}");
    };
    let client = done.context("a login failed")?;
    Ok(Person { http: client.http, url: client.url, token: client.token })
}
