//! The gateway as most people run it: `docker-compose.yml`, unchanged, in a real Docker Engine, with the
//! images of the Dockerfile, and the official SDKs as clients; GitHub alone is a stand-in.
//!
//! One gateway for all scenarios, in this order: the clients that log in first are still logged in when
//! everything has been restarted, killed and upgraded.

mod acme;
mod clients;
mod compose;
mod edge;
mod isolation;
mod operation;
mod restarts;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};

use libtest_mimic::{Arguments, Trial};

use crate::{clients::Fleet, compose::Compose};

/// What all scenarios share.
pub(crate) struct Stage {
    /// The gateway.
    pub(crate) compose: Compose,
    /// The clients that stay.
    fleet: Mutex<Fleet>,
}

impl Stage {
    /// The clients that stay, also when a scenario before has failed.
    pub(crate) fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A test: its name, and what it does with the one stage.
type Scenario = (&'static str, fn(&Stage));

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // In order.
    arguments.test_threads = Some(1);
    let scenarios = [
        edge::SCENARIOS,
        clients::SCENARIOS,
        isolation::SCENARIOS,
        operation::SCENARIOS,
        restarts::SCENARIOS,
        acme::SCENARIOS,
        edge::LOGS,
    ];
    let stage = Arc::new(OnceLock::new());
    let trials = scenarios.concat().into_iter().map(|(name, scenario)| {
        let stage = Arc::clone(&stage);
        Trial::test(name, move || {
            let began = Instant::now();
            scenario(stage.get().expect("the gateway runs"));
            eprintln!("{name}: {} s", began.elapsed().as_secs());
            Ok(())
        })
    });
    let trials = trials.collect();
    if !arguments.list {
        stage.get_or_init(|| Stage { compose: Compose::start(), fleet: Mutex::default() });
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(stage);
    conclusion.exit_code()
}

/// Runs asynchronous steps of a scenario.
fn run<T>(steps: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(steps)
}
