//! The gateway as a user runs it: `scripts/quickstart`, real Traefik, Redis and MCP servers, the
//! official SDKs as clients; GitHub alone is a stand-in.

mod clients;
mod conformance;
mod discovery;
mod faults;
mod headers;
mod login;
mod operation;
mod pages;
mod revocation;
mod sdk;

use std::{process::ExitCode, sync::Arc};

use gateway_tests::stack::Stack;
use libtest_mimic::{Arguments, Trial};

/// A test: its name, and what it does with the one stack.
type Scenario = (&'static str, fn(&Stack));

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let scenarios = [
        discovery::SCENARIOS,
        login::SCENARIOS,
        sdk::SCENARIOS,
        clients::SCENARIOS,
        conformance::SCENARIOS,
        pages::SCENARIOS,
        headers::SCENARIOS,
        revocation::SCENARIOS,
        operation::SCENARIOS,
        faults::SCENARIOS,
    ];
    if arguments.list {
        let names = scenarios.concat().into_iter().map(|(name, _)| Trial::test(name, || Ok(())));
        return libtest_mimic::run(&arguments, names.collect()).exit_code();
    }
    let stack = Arc::new(Stack::start());
    let trials = scenarios.concat().into_iter().map(|(name, scenario)| {
        let stack = Arc::clone(&stack);
        Trial::test(name, move || {
            scenario(&stack);
            Ok(())
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(stack);
    conclusion.exit_code()
}

/// Runs asynchronous steps of a scenario.
fn run<T>(steps: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(steps)
}
