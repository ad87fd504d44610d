//! Closed-loop load: each caller waits for an answer, checks it, and asks again.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;

use crate::mcp::{self, Client, Say};
use crate::stats::{micros, quantile};

/// A call that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// After so many failures a caller gives up.
const FAILURES: usize = 5;

/// Somebody who makes calls.
pub enum Caller {
    /// Over HTTP.
    Http(Box<Client>),
    /// On the pipes of a server, with nothing in between.
    Raw(Box<Pipes>),
}

/// A server process of one's own.
pub struct Pipes {
    _child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    line: String,
    answer: Vec<u8>,
}

impl Pipes {
    /// Starts a server; it is not initialized yet.
    pub fn start(server: &[String]) -> anyhow::Result<Self> {
        let (program, args) = server.split_first().context("no command")?;
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let stdout = BufReader::with_capacity(64 << 10, stdout);
        let (line, answer) = (String::new(), Vec::new());
        Ok(Self { _child: child, stdin, stdout, line, answer })
    }

    /// Sends `initialize` and waits for the answer.
    pub async fn initialize(&mut self) -> anyhow::Result<()> {
        mcp::INITIALIZE.clone_into(&mut self.line);
        self.exchange().await?;
        self.stdin.write_all(format!("{}\n", mcp::INITIALIZED).as_bytes()).await?;
        Ok(())
    }

    async fn call(&mut self, id: u64, say: Say<'_>) -> anyhow::Result<Duration> {
        mcp::call_line(&mut self.line, id, say);
        let since = Instant::now();
        self.exchange().await?;
        mcp::check_line(&self.answer, id, say)?;
        Ok(since.elapsed())
    }

    async fn exchange(&mut self) -> anyhow::Result<()> {
        self.line.push('\n');
        self.stdin.write_all(self.line.as_bytes()).await?;
        self.answer.clear();
        let read = self.stdout.read_until(b'\n', &mut self.answer).await?;
        anyhow::ensure!(read > 0, "the server has ended");
        Ok(())
    }
}

impl Caller {
    /// Makes one call.
    pub async fn call(&mut self, id: u64, say: Say<'_>) -> anyhow::Result<Duration> {
        let call = async {
            match self {
                Self::Http(client) => client.call(id, say).await,
                Self::Raw(pipes) => pipes.call(id, say).await,
            }
        };
        tokio::time::timeout(PATIENCE, call).await.context("no answer in time")?
    }
}

/// What came of some load.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How long each call took, in microseconds.
    pub micros: Vec<f64>,
    /// How long all took together.
    pub elapsed: Duration,
    /// How many failed.
    pub errors: usize,
    /// How the first of them did.
    pub first_error: Option<String>,
}

impl Outcome {
    /// Calls per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.micros.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// A percentile, in microseconds.
    pub fn quantile(&mut self, share: f64) -> Option<f64> {
        quantile(&mut self.micros, share)
    }

    /// Processor time per call in microseconds, of `nanos` in all.
    #[must_use]
    pub fn cpu(&self, nanos: u64) -> Option<f64> {
        (!self.micros.is_empty()).then(|| nanos as f64 / 1e3 / self.micros.len() as f64)
    }

    fn fail(&mut self, error: &anyhow::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| format!("{error:#}"));
    }
}

/// Lets all callers call for `time`; they come back.
pub async fn drive(callers: Vec<Caller>, time: Duration) -> anyhow::Result<(Vec<Caller>, Outcome)> {
    let (mut tasks, since) = (JoinSet::new(), Instant::now());
    for (lane, caller) in callers.into_iter().enumerate() {
        tasks.spawn(run(caller, lane as u64, since + time));
    }
    let (mut callers, mut all) = (Vec::new(), Outcome::default());
    while let Some(done) = tasks.join_next().await {
        let (caller, outcome) = done?;
        callers.push(caller);
        all.micros.extend(outcome.micros);
        all.errors += outcome.errors;
        all.first_error = all.first_error.or(outcome.first_error);
    }
    all.elapsed = since.elapsed();
    Ok((callers, all))
}

async fn run(mut caller: Caller, lane: u64, until: Instant) -> (Caller, Outcome) {
    let mut outcome = Outcome::default();
    let mut id = lane << 32;
    while Instant::now() < until && outcome.errors < FAILURES {
        id += 1;
        let text = format!("call {id} of one who waits for its answer");
        match caller.call(id, Say::Text(&text)).await {
            Ok(took) => outcome.micros.push(micros(took)),
            Err(error) => outcome.fail(&error),
        }
    }
    (caller, outcome)
}

/// Asks for `count` results of `bytes` bytes; the first failure is the last.
pub async fn fetch(caller: &mut Caller, bytes: usize, count: u64) -> Outcome {
    let mut outcome = Outcome::default();
    for id in 1..=count {
        match caller.call(id, Say::Bytes(bytes)).await {
            Ok(took) => outcome.micros.push(micros(took)),
            Err(error) => {
                outcome.fail(&error);
                break;
            }
        }
    }
    outcome
}
