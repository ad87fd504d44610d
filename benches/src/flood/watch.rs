//! The memory of Redis and of the programs, and whether they are the processes that they were.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use gateway_tests::stack::Stack;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;

use crate::process::resident;

/// The time between two samples.
const EVERY: Duration = Duration::from_millis(200);

/// How long Redis may take to say how much memory it has.
const PATIENCE: Duration = Duration::from_secs(10);

/// The programs, by the names that `scripts/quickstart` gives them.
pub const PROGRAMS: [&str; 4] = ["redis", "auth-service", "proxy", "traefik"];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// `used_memory` of Redis.
    Redis,
    /// The resident memory of the program at this place of [`PROGRAMS`].
    Resident(usize),
    /// The threads of auth-service.
    Threads,
    /// The open files of auth-service.
    Files,
    /// The bytes that auth-service has logged.
    Logged,
}

/// All of it, in the order of the report.
pub const GAUGES: [Gauge; 8] = [
    Gauge::Redis,
    Gauge::Resident(1),
    Gauge::Resident(2),
    Gauge::Resident(3),
    Gauge::Resident(0),
    Gauge::Threads,
    Gauge::Files,
    Gauge::Logged,
];

/// The values of one moment, in the order of [`GAUGES`].
pub type Sample = [u64; GAUGES.len()];

/// Measures.
pub struct Watch {
    stack: Arc<Stack>,
    redis: MultiplexedConnection,
    /// Pid and start of each program.
    born: Vec<(u32, String)>,
}

impl Watch {
    /// Begins with the programs as they run now.
    pub async fn new(stack: Arc<Stack>) -> anyhow::Result<Self> {
        let url = format!("redis://127.0.0.1:{}/0", stack.port("REDIS_PORT"));
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let redis = redis::Client::open(url)?;
        let redis = redis.get_multiplexed_async_connection_with_config(&patient).await?;
        let mut born = Vec::new();
        for name in PROGRAMS {
            let pid = stack.pid(name);
            born.push((pid, started(pid).with_context(|| name.to_owned())?));
        }
        Ok(Self { stack, redis, born })
    }

    /// The values of this moment.
    pub async fn sample(&self) -> anyhow::Result<Sample> {
        let mut sample = [0; GAUGES.len()];
        for (value, gauge) in sample.iter_mut().zip(GAUGES) {
            *value = self.measure(gauge).await.with_context(|| format!("{gauge:?}"))?;
        }
        Ok(sample)
    }

    async fn measure(&self, gauge: Gauge) -> anyhow::Result<u64> {
        let pid = |place: usize| self.born.get(place).map_or(0, |(pid, _)| *pid);
        match gauge {
            Gauge::Redis => self.redis_memory("used_memory").await,
            Gauge::Resident(place) => resident(pid(place)),
            Gauge::Threads => entries(&format!("/proc/{}/task", pid(1))),
            Gauge::Files => entries(&format!("/proc/{}/fd", pid(1))),
            Gauge::Logged => Ok(fs::metadata(self.stack.path("logs/auth-service.log"))?.len()),
        }
    }

    /// A number of the memory section of Redis' `INFO`.
    pub async fn redis_memory(&self, name: &str) -> anyhow::Result<u64> {
        let mut info = redis::cmd("INFO");
        let text: String =
            info.arg("memory").query_async(&mut self.redis.clone()).await.context("Redis")?;
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(other, _)| *other == name).context("no such line")?;
        Ok(value.trim().parse()?)
    }

    /// Fails unless every program is the process that it was at first.
    pub fn same_processes(&self) -> anyhow::Result<()> {
        for (name, (pid, start)) in PROGRAMS.into_iter().zip(&self.born) {
            let is_same = started(*pid).is_ok_and(|now| now == *start);
            ensure!(is_same, "{name}, process {pid}, has ended");
        }
        Ok(())
    }

    /// The highest values until `end`, and what could not be measured.
    pub async fn peaks(&self, end: Arc<AtomicBool>) -> (Sample, Option<String>) {
        let (mut highest, mut fault) = ([0; GAUGES.len()], None);
        while !end.load(Relaxed) {
            match self.sample().await {
                Ok(sample) => {
                    for (high, value) in highest.iter_mut().zip(sample) {
                        *high = value.max(*high);
                    }
                }
                Err(error) => fault = Some(format!("{error:#}")),
            }
            tokio::time::sleep(EVERY).await;
        }
        (highest, fault)
    }
}

fn entries(directory: &str) -> anyhow::Result<u64> {
    Ok(u64::try_from(fs::read_dir(directory)?.count())?)
}

/// When a process began: field 22 of its `stat`, counted from behind the name, which may have blanks.
fn started(pid: u32) -> anyhow::Result<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ").context("stat")?;
    let mut fields = rest.split(' ');
    ensure!(fields.next() != Some("Z"), "it has ended");
    Ok(fields.nth(18).context("stat")?.to_owned())
}
