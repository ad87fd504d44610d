//! The gateway as a user runs it: `scripts/quickstart`, real Traefik, Redis and MCP servers, the
//! official SDKs as clients; GitHub alone is a stand-in.

mod a14_pages;
mod a8_front;
mod a9_away;
mod audit;
mod clients;
mod conformance;
mod discovery;
mod doctor;
mod edge;
mod faults;
mod login;
mod logs;
mod operation;
mod other_proxies;
mod p7_origins;
mod pages;
mod path_urls;
mod paths;
mod revocation;
mod rolling_restart;
mod s11_edge;
mod s6_ended_grants;
mod s9_separation;
mod sdk;
mod spoofing;
mod table;

use std::{
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use edge::Edge;
use gateway_tests::stack::Stack;
use libtest_mimic::{Arguments, Trial};

/// A test: its name, and what it does with the one stack.
type Scenario = (&'static str, fn(&Stack));

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let scenarios = [
        a14_pages::SCENARIOS,
        audit::SCENARIOS,
        discovery::SCENARIOS,
        doctor::SCENARIOS,
        path_urls::SCENARIOS,
        login::SCENARIOS,
        sdk::SCENARIOS,
        clients::SCENARIOS,
        conformance::SCENARIOS,
        pages::SCENARIOS,
        logs::SCENARIOS,
        revocation::SCENARIOS,
        rolling_restart::SCENARIOS,
        s6_ended_grants::SCENARIOS,
        operation::SCENARIOS,
        faults::SCENARIOS,
        s9_separation::SCENARIOS,
        p7_origins::SCENARIOS,
    ];
    let (stack, edge) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
    let rows = spoofing::rows().into_iter().chain(paths::rows()).collect();
    let mut trials = table::trials(rows, &stack, &edge);
    let at_the_edge = other_proxies::SCENARIOS
        .iter()
        .chain(s11_edge::SCENARIOS)
        .chain(a8_front::SCENARIOS)
        .chain(a9_away::SCENARIOS)
        .chain(audit::AT_THE_EDGE);
    trials.extend(at_the_edge.map(|&(name, scenario)| {
        let (stack, edge) = (Arc::clone(&stack), Arc::clone(&edge));
        Trial::test(name, move || {
            let stack = stack.get().expect("the stack runs");
            scenario(stack, edge.get_or_init(|| Edge::start(stack)));
            Ok(())
        })
    }));
    trials.extend(scenarios.concat().into_iter().map(|(name, scenario)| {
        let stack = Arc::clone(&stack);
        Trial::test(name, move || {
            scenario(stack.get().expect("the stack runs"));
            Ok(())
        })
    }));
    // A list needs no stack.
    if !arguments.list {
        stack.get_or_init(Stack::start);
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(edge);
    drop(stack);
    conclusion.exit_code()
}

/// Runs asynchronous steps of a scenario.
fn run<T>(steps: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(steps)
}
