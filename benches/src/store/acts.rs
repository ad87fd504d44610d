//! The acts that are measured, each on a Redis of its own size.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use auth_service::config::RedisConfig;
use auth_service::model::{ClientId, Clock as _, ResourceUri, SystemClock};
use auth_service::store::{Filter, Held, Selection, Store};
use gateway_tests::redis::Redis;

use super::disturbance::{Disturbance, Service};
use super::seed::Seed;
use crate::stats::{median, millis};

/// The grants that are written at once.
const CHUNK: usize = 5_000;

/// What a revocation waits besides its work: no instance believes an older answer for longer.
const LEASE: Duration = Duration::from_millis(350);

/// The acts, in the order of [`Figures::millis`].
pub const ACTS: [&str; 8] = [
    "revoke a person",
    "revoke a client",
    "revoke a person at a client",
    "revoke a server",
    "revoke all",
    "list one person",
    "first page of all",
    "export all",
];

/// What was measured with so many grants.
#[derive(Debug)]
pub struct Figures {
    /// The number of grants.
    pub grants: usize,
    /// Milliseconds of each act, medians.
    pub millis: [f64; ACTS.len()],
    /// The peak memory of the program that exported all, in bytes.
    pub export_memory: u64,
    /// That of the program that wrote a backup.
    pub backup_memory: u64,
    /// Milliseconds of a backup.
    pub backup: f64,
    /// Milliseconds of the restore.
    pub restore: f64,
    /// Bytes of Redis for each grant with its two tokens, without and with indexes.
    pub bytes: (f64, f64),
    /// What `/verify` feels of the acts.
    pub disturbance: Disturbance,
}

/// Measures all acts with so many grants.
pub async fn measure(own: &Path, grants: usize, rounds: usize) -> anyhow::Result<Figures> {
    let seed = Seed { grants, now: SystemClock.now() };
    let redis = Redis::start();
    let store = Store::open(&RedisConfig::parse(&redis.url()).map_err(anyhow::Error::msg)?)?;
    let empty = memory(&redis)?;
    write_plainly(&redis, seed).await?;
    let plain = memory(&redis)? - empty;
    redis.cli(&["FLUSHALL"]);
    let empty = memory(&redis)?;
    let begun = Instant::now();
    for from in (0..grants).step_by(CHUNK) {
        let entries: Vec<_> = seed.entries(from, from + CHUNK).collect();
        store.maintenance.restore(&entries, seed.now).await?;
    }
    let restore = millis(begun.elapsed());
    let indexed = memory(&redis)? - empty;
    let (export, export_memory) = run(own, &redis, &["token", "list", "--json"])?;
    let (backup, backup_memory) = run(own, &redis, &["backup", "-"])?;
    let acts = Acts { store, seed, rounds };
    let lists = [acts.list_person().await?, acts.list_all().await?];
    let [user, client, pair] = acts.small_revocations().await?;
    // All is indexed. The walk that the service would begin with is not measured.
    redis.cli(&["SET", "mcpgw:indexed", "2"]);
    let service = Service::start(own, &redis)?;
    let disturbance = service.measure(&acts.store, seed, rounds.min(6)).await?;
    drop(service);
    let [server, everything] = acts.large_revocations().await?;
    let [person, all] = lists;
    #[expect(clippy::cast_precision_loss, reason = "a number of grants")]
    let each = |bytes: f64| bytes / grants as f64;
    Ok(Figures {
        grants,
        millis: [user, client, pair, server, everything, person, all, export],
        export_memory,
        backup_memory,
        backup,
        restore,
        bytes: (each(plain), each(indexed)),
        disturbance,
    })
}

struct Acts {
    store: Store,
    seed: Seed,
    rounds: usize,
}

impl Acts {
    /// The median of the rounds of an act, each about another one.
    async fn rounds(&self, act: impl AsyncFn(usize) -> anyhow::Result<f64>) -> anyhow::Result<f64> {
        let mut times = Vec::new();
        for round in 0..self.rounds {
            times.push(act(round).await?);
        }
        median(&times).context("no rounds")
    }

    async fn list_person(&self) -> anyhow::Result<f64> {
        self.rounds(async |round| {
            let user = Some(format!("user{round}"));
            self.list(&Filter { user, ..Filter::default() }, 10).await
        })
        .await
    }

    async fn list_all(&self) -> anyhow::Result<f64> {
        self.rounds(async |_| self.list(&Filter::default(), 100).await).await
    }

    async fn list(&self, filter: &Filter, expected: usize) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let page = self.store.maintenance.grants(filter, None, (100, self.seed.now)).await?;
        let time = millis(begun.elapsed());
        ensure!(page.entries.len() == expected, "{} entries: {filter:?}", page.entries.len());
        Ok(time)
    }

    /// People, clients, and people at a client, each another one.
    async fn small_revocations(&self) -> anyhow::Result<[f64; 3]> {
        let user = |round: usize| format!("user{}", round + self.seed.people() / 2);
        let client = |round: usize| ClientId::parsed(&format!("client{round}"));
        let users =
            self.rounds(async |round| self.revoke(Selection::User(user(round))).await).await?;
        let clients =
            self.rounds(async |round| self.revoke(Selection::Client(client(round))).await).await?;
        let pairs = self
            .rounds(async |round| {
                let pair = Selection::UserAtClient(user(self.rounds + round), client(round));
                self.revoke(pair).await
            })
            .await?;
        Ok([users, clients, pairs])
    }

    /// A server, and then all.
    async fn large_revocations(&self) -> anyhow::Result<[f64; 2]> {
        let server = ResourceUri::parse(&Seed::server(0))?;
        let server = self.revoke(Selection::Server(server)).await?;
        let all = self.revoke(Selection::All).await?;
        Ok([server, all])
    }

    /// The time of a revocation besides the lease.
    async fn revoke(&self, what: Selection) -> anyhow::Result<f64> {
        let begun = Instant::now();
        self.store.maintenance.revoke(&what, self.seed.now, None).await?;
        Ok(millis(begun.elapsed().saturating_sub(LEASE)))
    }
}

/// Writes the records as a version without indexes did.
async fn write_plainly(redis: &Redis, seed: Seed) -> anyhow::Result<()> {
    let client = redis::Client::open(redis.url())?;
    // Thousands of commands in one pipeline take longer than the default timeout on a busy machine.
    let patient = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&patient).await?;
    for from in (0..seed.grants).step_by(CHUNK) {
        let mut pipe = redis::pipe();
        for entry in seed.entries(from, from + CHUNK) {
            let Held::String(text) = entry.value else { continue };
            let end = entry.expires_at_ms.unwrap_or_default();
            pipe.cmd("SET").arg(entry.key).arg(text).arg("PXAT").arg(end).ignore();
        }
        pipe.exec_async(&mut connection).await?;
    }
    Ok(())
}

/// The bytes that Redis uses.
fn memory(redis: &Redis) -> anyhow::Result<f64> {
    let info = redis.cli(&["INFO", "memory"]);
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.context("no used_memory")?.trim().parse()?)
}

/// Runs one of our programs and throws away what it prints. Returns its milliseconds and its peak memory.
fn run(own: &Path, redis: &Redis, arguments: &[&str]) -> anyhow::Result<(f64, u64)> {
    let begun = Instant::now();
    let mut command = Command::new(own.join("auth-service"));
    command.args(arguments).env_clear().env("REDIS_URL", redis.url()).stdout(Stdio::null());
    let mut program = command.spawn().context("auth-service cannot be run")?;
    let status = format!("/proc/{}/status", program.id());
    let mut peak = 0;
    loop {
        // The kernel keeps the peak, so that looking now and then is enough.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kilobytes.map_or(0, |kilobytes: u64| kilobytes * 1024));
        if let Some(ended) = program.try_wait()? {
            ensure!(ended.success(), "auth-service {arguments:?}: {ended}");
            return Ok((millis(begun.elapsed()), peak));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
