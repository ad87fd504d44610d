//! How long a token is still let in on a second instance after it was revoked, while that instance is
//! under load.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::MultiplexedConnection;
use tokio::task::JoinHandle;

use super::contender::Service;
use super::stage::Stage;
use super::wrk::Load;
use crate::http::Connection;
use crate::process::Program;
use crate::stats::{millis, quantile};
use gateway_tests::port::free_address;

/// A revocation that takes longer is a failure, whatever its share.
const PATIENCE: Duration = Duration::from_secs(5);

/// What revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The operator's command, which waits until no instance can let the token in any more.
    Command,
    /// The deletion of its record in Redis, by which instances hear of it.
    Deletion,
}

/// What came of all trials.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    /// Of each trial, milliseconds from the revocation's return until the last request that was
    /// still let in had been sent; 0 if there was none.
    late: Vec<f64>,
    /// Requests that were sent after it had returned and let in.
    pub let_in: usize,
}

impl Revocations {
    /// How many trials.
    #[must_use]
    pub fn trials(&self) -> usize {
        self.late.len()
    }

    /// Milliseconds, at this share of the trials.
    #[must_use]
    pub fn late(&self, share: f64) -> Option<f64> {
        quantile(&mut self.late.clone(), share)
    }

    fn add(&mut self, let_in: &[Instant], returned: Instant) {
        let last = let_in.last().map(|sent| sent.saturating_duration_since(returned));
        self.let_in += let_in.iter().filter(|sent| **sent > returned).count();
        self.late.push(millis(last.unwrap_or_default()));
    }
}

/// One trial for each of `tokens` but the first, which makes the load of `connections`.
pub async fn measure(
    stage: &Stage,
    tokens: &[String],
    connections: usize,
    means: Means,
) -> anyhow::Result<Revocations> {
    let (busy, tokens) = tokens.split_first().context("no tokens are asked for")?;
    // The operator's command is beside the first instance, the requests go to the second.
    let _first = start(stage)?;
    let second = start(stage)?;
    let headers = super::round::headers(stage, busy);
    let load = Load {
        url: format!("http://{}/verify", second.address),
        headers: &headers,
        script: None,
        connections,
        seconds: 3600,
    };
    let mut wrk = load.command().stdout(Stdio::null()).spawn().context("wrk")?;
    let done = trials(stage, &second, tokens, means).await;
    wrk.kill()?;
    wrk.wait()?;
    done
}

fn start(stage: &Stage) -> anyhow::Result<Program> {
    let address = free_address();
    let mut command = Service::Ours.command(stage, address);
    stage.start(&mut command, address, &format!("revocation-{}.log", address.port()))
}

async fn trials(
    stage: &Stage,
    second: &Program,
    tokens: &[String],
    means: Means,
) -> anyhow::Result<Revocations> {
    let mut connection = Connection::open(second.address).await?;
    let redis = redis::Client::open(stage.redis_url())?.get_multiplexed_async_connection().await?;
    let mut trials = Vec::new();
    for token in tokens {
        let mut request = "GET /verify HTTP/1.1\r\nHost: auth\r\n".to_owned();
        for (name, value) in super::round::headers(stage, token) {
            request.extend([&*name, ": ", &*value, "\r\n"]);
        }
        request.push_str("\r\n");
        let first = connection.exchange(request.as_bytes()).await?.status;
        ensure!(first == 200, "the token is not let in");
        let claims = Claims::of(token)?;
        let revoked = match means {
            Means::Command => by_command(stage, &claims),
            Means::Deletion => by_deletion(redis.clone(), &claims),
        };
        // The next trial begins while the command still waits.
        trials.push((until_refused(&mut connection, &request).await?, revoked));
    }
    let mut all = Revocations::default();
    for (let_in, revoked) in trials {
        all.add(&let_in, revoked.await??);
    }
    Ok(all)
}

/// When those requests were sent that were let in.
async fn until_refused(connection: &mut Connection, request: &str) -> anyhow::Result<Vec<Instant>> {
    let mut let_in = Vec::new();
    let begun = Instant::now();
    loop {
        let sent = Instant::now();
        match connection.exchange(request.as_bytes()).await?.status {
            200 => let_in.push(sent),
            401 => return Ok(let_in),
            other => anyhow::bail!("status {other}"),
        }
        ensure!(begun.elapsed() < PATIENCE, "the token is admitted without end");
    }
}

/// Answers when the command had returned.
fn by_command(stage: &Stage, claims: &Claims) -> JoinHandle<anyhow::Result<Instant>> {
    let mut command = Command::new(stage.places.own.join("auth-service"));
    command.args(["token", "revoke", "--yes", "--jti", &claims.jti]).envs(stage.settings());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    tokio::task::spawn_blocking(move || {
        ensure!(command.status()?.success(), "the command failed");
        Ok(Instant::now())
    })
}

/// Answers when Redis had answered.
fn by_deletion(
    mut redis: MultiplexedConnection,
    claims: &Claims,
) -> JoinHandle<anyhow::Result<Instant>> {
    let key = format!("mcpgw:access:{{{}}}:{}", claims.grant_id, claims.jti);
    tokio::spawn(async move {
        let count: usize = redis::cmd("DEL").arg(key).query_async(&mut redis).await?;
        ensure!(count == 1, "the token has no record");
        Ok(Instant::now())
    })
}

#[derive(serde::Deserialize)]
struct Claims {
    jti: String,
    grant_id: String,
}

impl Claims {
    fn of(token: &str) -> anyhow::Result<Self> {
        let payload = token.split('.').nth(1).context("no JWT")?;
        Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
    }
}
