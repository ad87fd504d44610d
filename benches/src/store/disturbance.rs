//! The p99 of `/verify` of a running service, at rest and while acts of an operator run.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use auth_service::model::{ClientId, ResourceUri};
use auth_service::store::{Filter, Selection, Store};
use gateway_tests::redis::Redis;
use serde_json::json;
use tempfile::TempDir;

use super::seed::Seed;
use crate::http::Connection;
use crate::process::Program;
use crate::stats::{median, micros, quantile};
use gateway_tests::port::free_address;

/// The people whose tokens are checked in turn. No act is about them.
const PEOPLE: usize = 16;

/// The length of each half of a round.
const HALF: Duration = Duration::from_secs(3);

/// The pause between two checks, so that they do not measure their own queue.
const PAUSE: Duration = Duration::from_millis(1);

/// A service that checks tokens beside the acts.
pub struct Service<'a> {
    redis: &'a Redis,
    program: Program,
    tokens: Vec<String>,
    _directory: TempDir,
}

/// The p99 of `/verify` in microseconds, medians of the rounds.
#[derive(Clone, Copy, Debug)]
pub struct Disturbance {
    /// At rest.
    pub quiet: f64,
    /// While people, clients and a server are revoked, and grants are listed and exported.
    pub busy: f64,
    /// The median of the ratios of the two in each round.
    pub ratio: f64,
}

impl<'a> Service<'a> {
    /// Starts the service over `redis`, and mints its tokens.
    pub fn start(own: &Path, redis: &'a Redis) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let file = |name: &str| directory.path().join(name).display().to_string();
        let address = free_address();
        let servers = json!({ "mcpServers": { "echo": { "url": "http://127.0.0.1:9/mcp" } } });
        std::fs::write(file("servers.json"), servers.to_string())?;
        let command = |arguments: &[&str]| {
            let mut command = Command::new(own.join("auth-service"));
            command.args(arguments).env_clear().current_dir(directory.path());
            command.env("BASE_DOMAIN", "bench.example").env("REDIS_URL", redis.url());
            command
                .env("SIGNING_KEY_FILE", file("key.pem"))
                .env("AUTH_LISTEN", address.to_string());
            command.env("MCP_SERVERS_FILE", file("servers.json")).env("RUST_LOG", "warn");
            command
        };
        output(&mut command(&["key", "generate", "--out", &file("key.pem")]))?;
        let mut tokens = Vec::new();
        for person in 0..PEOPLE {
            let user = format!("bench{person}");
            let mint = ["token", "mint", "--user", &user, "--server", "echo"];
            tokens.push(output(&mut command(&mint))?);
        }
        let log = directory.path().join("log");
        let program = Program::start(&mut command(&["serve"]), address, &log)?;
        Ok(Self { redis, program, tokens, _directory: directory })
    }

    /// Measures rounds of rest and of acts.
    pub async fn measure(
        &self,
        store: &Store,
        seed: Seed,
        rounds: usize,
    ) -> anyhow::Result<Disturbance> {
        let (mut quiets, mut busies, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            self.wait_for_deletions().await;
            let rest = async {
                tokio::time::sleep(HALF).await;
                Ok(())
            };
            let quiet = self.p99(rest).await?;
            let busy = self.p99(act(store, seed, round)).await?;
            quiets.push(quiet);
            busies.push(busy);
            ratios.push(busy / quiet);
        }
        let middle = |values: &[f64]| median(values).context("no rounds");
        Ok(Disturbance { quiet: middle(&quiets)?, busy: middle(&busies)?, ratio: middle(&ratios)? })
    }

    /// Waits until the service has deleted all revoked records, which it does in the background.
    async fn wait_for_deletions(&self) {
        while self.redis.cli(&["ZCARD", "mcpgw:sweeps"]).trim() != "0" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The p99 of checks while `during` runs.
    async fn p99(&self, during: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<f64> {
        let stop = Arc::new(AtomicBool::new(false));
        let (address, tokens) = (self.program.address, self.tokens.clone());
        let checker = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || check(address, &tokens, &stop))
        };
        let done = during.await;
        stop.store(true, Relaxed);
        let mut times = checker.join().map_err(|_| anyhow::anyhow!("the checks failed"))??;
        done?;
        quantile(&mut times, 0.99).context("no checks")
    }
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Checks tokens in turn until it is told to stop. Returns the microseconds of each.
fn check(address: SocketAddr, tokens: &[String], stop: &AtomicBool) -> anyhow::Result<Vec<f64>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = Connection::open(address).await?;
        let mut times = Vec::new();
        for token in tokens.iter().cycle() {
            if stop.load(Relaxed) {
                break;
            }
            let request = format!(
                "GET /verify HTTP/1.1\r\nHost: auth\r\nX-Forwarded-Host: echo.bench.example\r\n\
                 X-Forwarded-Uri: /mcp\r\nAuthorization: Bearer {token}\r\n\r\n"
            );
            let begun = Instant::now();
            let status = connection.exchange(request.as_bytes()).await?.status;
            times.push(micros(begun.elapsed()));
            ensure!(status == 200, "/verify says {status}");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(times)
    })
}

/// Acts for half a round: a server is revoked, whose grants the service then deletes, and people and clients; and
/// grants are listed, of one person and of all.
async fn act(store: &Store, seed: Seed, round: usize) -> anyhow::Result<()> {
    let end = Instant::now() + HALF;
    let server = ResourceUri::parse(&Seed::server(1 + round))?;
    store.maintenance.revoke(&Selection::Server(server), seed.now, None).await?;
    let mut number = 500 * (round + 1);
    while Instant::now() < end {
        number += 1;
        let user = format!("user{}", number % seed.people());
        let client = ClientId::parsed(&format!("client{}", number % seed.clients()));
        store.maintenance.revoke(&Selection::User(user.clone()), seed.now, None).await?;
        store.maintenance.revoke(&Selection::Client(client), seed.now, None).await?;
        let of_person = Filter { user: Some(user), ..Filter::default() };
        for filter in [of_person, Filter::default()] {
            store.maintenance.grants(&filter, None, (250, seed.now)).await?;
        }
    }
    Ok(())
}
