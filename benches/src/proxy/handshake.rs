//! `initialize` on the official server, which takes a quarter of a second to start: with a process
//! held ready, without, at the predecessor, and on the server's own pipes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;

use super::contender::{Contender, Places};
use super::load::Pipes;
use crate::http::Connection;
use crate::mcp::Client;
use crate::process::Program;
use crate::stats::millis;
use gateway_tests::port::free_address;

/// Between a process held ready being started and its being up.
const BOOT: Duration = Duration::from_millis(1500);
/// How long a process to be held ready may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a session is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Our proxy with a process held ready (`"prewarm": 1`).
    Warm,
    /// Our proxy with none.
    Cold,
    /// The predecessor, which knows only this way.
    Predecessor,
    /// The server itself.
    Raw,
}

impl Way {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warm => "**mcp-stdio-proxy**, process held ready",
            Self::Cold => "**mcp-stdio-proxy**, none held ready",
            Self::Predecessor => Contender::Predecessor.name(),
            Self::Raw => "raw stdio",
        }
    }
}

/// Milliseconds, of each trial.
pub type Times = BTreeMap<Way, Vec<f64>>;

/// Opens `trials` sessions in each way, in turns.
pub async fn measure(places: &Places, logs: &Path, trials: usize) -> anyhow::Result<Times> {
    let server = places.everything();
    let config = logs.join("mcp-servers.json");
    let entry = json!({ "command": server[0], "args": server[1..], "prewarm": 1 });
    std::fs::write(&config, json!({ "mcpServers": { "everything": entry } }).to_string())?;
    let address = free_address();
    let mut command = Command::new(places.own.join("mcp-stdio-proxy"));
    command.args(["--listen", &address.to_string()]).arg("--config").arg(&config);
    let warm = Program::start(command.env("RUST_LOG", "warn"), address, &logs.join("warm.log"))?;
    let cold = start(Contender::Ours, places, logs)?;
    let predecessor = start(Contender::Predecessor, places, logs)?;
    let mut times = Times::new();
    for _ in 0..trials {
        until_warm(&warm).await?;
        let opened = open(&warm, "/everything/mcp").await?;
        times.entry(Way::Warm).or_default().push(opened);
        times.entry(Way::Cold).or_default().push(open(&cold, "/mcp").await?);
        times.entry(Way::Predecessor).or_default().push(open(&predecessor, "/mcp").await?);
        let since = Instant::now();
        Pipes::start(&server)?.initialize().await?;
        times.entry(Way::Raw).or_default().push(millis(since.elapsed()));
    }
    Ok(times)
}

fn start(contender: Contender, places: &Places, logs: &Path) -> anyhow::Result<Program> {
    let address = free_address();
    let mut command = contender.command(places, address, &places.everything());
    Program::start(&mut command, address, &logs.join(format!("{contender:?}-everything.log")))
}

async fn open(program: &Program, path: &str) -> anyhow::Result<f64> {
    let mut client = Client::connect(program.address, path).await?;
    let since = Instant::now();
    client.initialize().await?;
    let took = millis(since.elapsed());
    client.delete().await?;
    Ok(took)
}

/// Until a process is held ready and has had the time to come up.
async fn until_warm(program: &Program) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut connection = Connection::open(program.address).await?;
    loop {
        let answer =
            connection.exchange(b"GET /servers HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await?;
        if memchr::memmem::find(answer.body, br#""warm":1"#).is_some() {
            tokio::time::sleep(BOOT).await;
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "no process is held ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
