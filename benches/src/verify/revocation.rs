//! How long a token is still let in on a second instance after the operator's command to revoke it has
//! returned, while that instance is under load.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::task::JoinHandle;

use super::contender::Service;
use super::stage::Stage;
use super::wrk::Load;
use crate::http::Connection;
use crate::process::{Program, free_address};
use crate::stats::{millis, quantile};

/// A revocation that takes longer is a failure, whatever its share.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of all trials.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    /// Of each trial, milliseconds from the command's return until the last request that was still
    /// let in had been sent; 0 if there was none.
    late: Vec<f64>,
    /// Of each trial, milliseconds from the first refusal until the command returned, which waits
    /// until no instance can let the token in any more.
    early: Vec<f64>,
    /// Requests that were sent after the command's return and let in.
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

    /// Milliseconds before the command's return, at this share of the trials.
    #[must_use]
    pub fn early(&self, share: f64) -> Option<f64> {
        quantile(&mut self.early.clone(), share)
    }

    fn add(&mut self, trial: &Trial, returned: Instant) {
        let last = trial.let_in.last().map(|sent| sent.saturating_duration_since(returned));
        self.let_in += trial.let_in.iter().filter(|sent| **sent > returned).count();
        self.late.push(millis(last.unwrap_or_default()));
        self.early.push(millis(returned.saturating_duration_since(trial.refused)));
    }
}

/// What became of the requests with one token.
struct Trial {
    /// When those were sent that were let in.
    let_in: Vec<Instant>,
    /// When the first refusal came.
    refused: Instant,
    command: JoinHandle<std::io::Result<(ExitStatus, Instant)>>,
}

/// One trial for each of `tokens` but the first, which makes the load of `connections`.
pub async fn measure(
    stage: &Stage,
    tokens: &[String],
    connections: usize,
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
    let mut connection = Connection::open(second.address).await?;
    let done = async {
        let mut trials = Vec::new();
        for token in tokens {
            trials.push(trial(stage, &mut connection, token).await?);
        }
        let mut all = Revocations::default();
        for mut trial in trials {
            let (status, returned) = (&mut trial.command).await??;
            ensure!(status.success(), "the command failed");
            all.add(&trial, returned);
        }
        Ok(all)
    };
    let done: anyhow::Result<_> = done.await;
    wrk.kill()?;
    wrk.wait()?;
    done
}

fn start(stage: &Stage) -> anyhow::Result<Program> {
    let address = free_address()?;
    let mut command = Service::Ours.command(stage, address);
    stage.start(&mut command, address, &format!("revocation-{}.log", address.port()))
}

async fn trial(stage: &Stage, connection: &mut Connection, token: &str) -> anyhow::Result<Trial> {
    let mut request = "GET /verify HTTP/1.1\r\nHost: auth\r\n".to_owned();
    for (name, value) in super::round::headers(stage, token) {
        request.extend([&*name, ": ", &*value, "\r\n"]);
    }
    request.push_str("\r\n");
    ensure!(
        connection.exchange(request.as_bytes()).await?.status == 200,
        "the token is not let in"
    );
    let mut command = Command::new(stage.places.own.join("auth-service"));
    command.args(["token", "revoke", "--jti", &jti(token)?]).envs(stage.settings());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let command = tokio::task::spawn_blocking(move || {
        let status = command.status()?;
        Ok::<_, std::io::Error>((status, Instant::now()))
    });
    let mut let_in = Vec::new();
    let begun = Instant::now();
    let refused = loop {
        let sent = Instant::now();
        match connection.exchange(request.as_bytes()).await?.status {
            200 => let_in.push(sent),
            401 => break Instant::now(),
            other => anyhow::bail!("status {other}"),
        }
        ensure!(begun.elapsed() < PATIENCE, "the token is let in for ever");
    };
    Ok(Trial { let_in, refused, command })
}

/// The id of the token (RFC 7519 §4.1.7).
fn jti(token: &str) -> anyhow::Result<String> {
    let payload = token.split('.').nth(1).context("no JWT")?;
    let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    Ok(claims["jti"].as_str().context("no jti")?.to_owned())
}
