//! Faults over a gateway of its own: two instances of auth-service, three Redis nodes with Sentinel, Traefik, a proxy.
//! People work on it, and what they saw is checked against a model. `scripts/chaos` starts it; docs/CHAOS.md says what
//! is guaranteed.

mod cluster;
mod faults;
mod fleet;
mod names;
mod options;
mod people;
mod relay;
mod report;
mod stack;

use std::{
    process::ExitCode,
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use aws_lc_rs::rand;
use clap::Parser;
use gateway_tests::chaos::history::Id;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::Instant,
};

use faults::{Failovers, Lanes, Record};
use options::Options;
use people::{Gateway, Person};
use report::Report;
use stack::Stack;

/// The time before the first fault.
const WARM_UP: Duration = Duration::from_secs(3);

/// The longest time that people may take to finish.
const FINISH: Duration = Duration::from_secs(120);

/// The exit code after an interruption.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        tokio::select! {
            code = chaos(&options) => code,
            name = interrupted() => {
                eprintln!("interrupted by {name}");
                ExitCode::from(INTERRUPTED)
            }
        }
    })
}

/// Waits for a signal to end. Returns its name.
async fn interrupted() -> &'static str {
    let listen = |kind| signal(kind).expect("a signal");
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}

async fn chaos(options: &Options) -> ExitCode {
    let seed = options.seed.unwrap_or_else(random_seed);
    println!("seed {seed}");
    let gateway = Arc::new(Gateway::new(Stack::start(options).await));
    let probe = people::log_in(&gateway).await;
    let mut background = JoinSet::new();
    let failovers = Arc::new(Failovers::default());
    background.spawn(Arc::clone(&failovers).watch(Arc::clone(&gateway)));
    let tended = Arc::clone(&gateway);
    background.spawn(async move { tended.stack.fleet.tend().await });
    let repaired = Arc::clone(&gateway);
    background.spawn(async move { repaired.stack.repair().await });
    let mut people = JoinSet::new();
    for number in 0..options.people {
        people.spawn(Person::new(Arc::clone(&gateway), number, seed).live());
    }
    people.spawn(people::operate(Arc::clone(&gateway), seed));
    people.spawn(people::probe(Arc::clone(&gateway), probe.clone()));
    tokio::time::sleep(WARM_UP).await;

    let record = Arc::new(Record::default());
    let lanes = Lanes::new(Arc::clone(&gateway), Arc::clone(&record), seed);
    let began = gateway.history.now();
    let is_enough = inject(options, &lanes, &failovers).await;
    let ended = gateway.history.now();

    lanes.settle().await;
    lanes.all_ready().await;
    gateway.is_over.store(true, SeqCst);
    if tokio::time::timeout(FINISH, async { while people.join_next().await.is_some() {} })
        .await
        .is_err()
    {
        record.problem(format!("people did not finish within {FINISH:?}"));
    }
    if let Err(why) = people::list(&gateway).await {
        record.problem(format!("token list: {why}"));
    }
    let report = Report {
        gateway: &gateway,
        record: &record,
        failovers: &failovers,
        probe: Id::of(&probe),
        faults: (began, ended),
    };
    let is_good = report.print();
    background.abort_all();
    gateway.stack.fleet.kill_all();
    let is_good = is_good && is_enough;
    println!("{} with seed {seed}", if is_good { "passed" } else { "FAILED" });
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Injects faults for the time that `options` say, or until there were enough of them. Returns `true` if there were.
async fn inject(options: &Options, lanes: &Arc<Lanes>, failovers: &Failovers) -> bool {
    let start = Instant::now();
    let length = Duration::from_secs(options.seconds);
    let mut running = if options.calm { JoinSet::new() } else { faults::run(lanes) };
    let counts = || {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        (count(lanes.record.faults().len()), count(failovers.all().len()))
    };
    let mut told = start;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (faults, changes) = counts();
        let is_enough = faults >= options.least_faults() && changes >= options.least_failovers();
        let is_over = start.elapsed() >= length && is_enough || start.elapsed() >= length * 2;
        if is_over {
            running.shutdown().await;
            lanes.gateway.stack.restore();
            if !is_enough {
                lanes.record.problem(format!(
                    "{faults} faults and {changes} failovers, {} and {} were needed",
                    options.least_faults(),
                    options.least_failovers()
                ));
            }
            return is_enough;
        }
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            eprintln!("    {} s, {faults} faults, {changes} failovers", start.elapsed().as_secs());
        }
    }
}

fn random_seed() -> u64 {
    let mut bytes = [0; 4];
    rand::fill(&mut bytes).expect("random bytes");
    u32::from_ne_bytes(bytes).into()
}
