//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// The faults in a second that a run needs, unless it is told: 1,000 in 30 minutes.
const FAULTS: (u64, u64) = (1000, 1800);

/// Likewise the failovers: 50 in 30 minutes.
const FAILOVERS: (u64, u64) = (50, 1800);

/// Injects faults into a gateway of its own with two instances of auth-service and Redis behind Sentinel, and checks
/// what its clients saw against a model.
#[derive(Clone, Debug, Parser)]
#[command(name = "scripts/chaos")]
pub struct Options {
    /// The seed of the choices of faults and clients; a random one by default.
    #[arg(long)]
    pub seed: Option<u64>,
    /// How long faults are injected.
    #[arg(long, default_value_t = 120)]
    pub seconds: u64,
    /// The least number of faults; the run goes on until they are reached, for twice the time at most. By default
    /// 1,000 for 30 minutes.
    #[arg(long)]
    pub faults: Option<u64>,
    /// The least number of failovers, likewise. By default 50 for 30 minutes.
    #[arg(long)]
    pub failovers: Option<u64>,
    /// Valkey instead of Redis.
    #[arg(long)]
    pub valkey: bool,
    /// One Redis without replicas and sentinels.
    #[arg(long)]
    pub single: bool,
    /// The number of people.
    #[arg(long, default_value_t = 10)]
    pub people: usize,
    /// No faults.
    #[arg(long)]
    pub calm: bool,
    /// Redis without its append-only file: a crash loses what was acknowledged, so that violations must be found.
    #[arg(long)]
    pub forgetful: bool,
    /// The directory that the script has prepared.
    #[arg(long, hide = true)]
    pub home: PathBuf,
}

impl Options {
    /// Returns the least number of faults.
    pub fn least_faults(&self) -> u64 {
        let share = self.seconds * FAULTS.0 / FAULTS.1;
        if self.calm { 0 } else { self.faults.unwrap_or(share) }
    }

    /// Returns the least number of failovers.
    pub fn least_failovers(&self) -> u64 {
        let share = self.seconds * FAILOVERS.0 / FAILOVERS.1;
        if self.calm || self.single { 0 } else { self.failovers.unwrap_or(share) }
    }
}
