//! The record of the faults that were injected, and of the failovers that they caused.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use gateway_tests::chaos::history::{Micros, seconds};

use super::plan::Fault;
use crate::{names::Name, people::Gateway};

/// A fault that was injected.
#[derive(Clone, Copy, Debug)]
pub struct Injected {
    /// The fault.
    pub fault: Fault,
    /// The time at which it began.
    pub began: Micros,
    /// The time at which everything was as before, as far as the harness could.
    pub ended: Micros,
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (began, ended) = (seconds(self.began), seconds(self.ended));
        write!(f, "{began:>12} – {ended:>12}  {}", self.fault)
    }
}

/// The faults of a run.
#[derive(Debug, Default)]
pub struct Record {
    faults: Mutex<Vec<Injected>>,
    problems: Mutex<Vec<String>>,
}

impl Record {
    /// Adds a fault.
    pub fn add(&self, injected: Injected) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(injected);
    }

    /// Adds a problem, which fails the run.
    pub fn problem(&self, what: String) {
        eprintln!("    {what}");
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Returns all faults so far.
    pub fn faults(&self) -> Vec<Injected> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns all problems so far.
    pub fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the number of faults of each kind.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for injected in self.faults() {
            *counts.entry(injected.fault.kind()).or_default() += 1;
        }
        counts
    }
}

/// The masters that followed each other.
#[derive(Debug, Default)]
pub struct Failovers(Mutex<Vec<(Micros, usize)>>);

impl Failovers {
    /// Follows what the sentinels say. Never returns.
    pub async fn watch(self: Arc<Self>, gateway: Arc<Gateway>) {
        let mut last = None;
        loop {
            let master = gateway.stack.cluster.master().await;
            if let (Some(new), Some(old)) = (master, last)
                && new != old
            {
                let now = gateway.history.now();
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push((now, new));
            }
            last = master.or(last);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Returns each new master with the time.
    pub fn all(&self) -> Vec<(Micros, Name)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.into_iter().map(|(at, master)| (at, Name::Redis(master))).collect()
    }
}
