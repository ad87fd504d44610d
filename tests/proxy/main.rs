//! The proxy without a gateway in front of it: what the official conformance suite, the official
//! servers and the official SDKs make of it.

mod clients;
mod conformance;
mod extensions;
mod folding;
mod matrix;
mod servers;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let trials = [
        ("the_server_of_the_suite_passes_by_itself", conformance::server_itself as fn()),
        ("what_2025_11_25_requires_of_a_server_is_there", conformance::handshake),
        ("what_2026_07_28_requires_of_a_server_is_there", conformance::no_handshake),
        (
            "what_2026_07_28_requires_is_there_with_an_older_server",
            conformance::no_handshake_before_a_server_with_one,
        ),
        (
            "what_2025_11_25_requires_is_there_with_a_newer_server",
            conformance::handshake_before_a_server_without,
        ),
        ("tasks_pass_between_peers_of_2026_07_28", extensions::tasks),
        ("skills_pass_between_peers_of_2026_07_28", extensions::skills),
        ("skills_of_an_older_server_pass", extensions::skills_of_an_older_server),
        ("s2_a_server_in_go_runs_a_tool_under_other_spellings", folding::itself),
        ("s2_no_spelling_of_a_tool_gets_past_the_rules_to_a_server_in_go", folding::behind_rules),
        ("every_sdk_uses_every_server_for_two_users_at_once", matrix::every_cell),
    ];
    let trials = trials.map(|(name, trial)| {
        Trial::test(name, move || {
            trial();
            Ok(())
        })
    });
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}
