//! The scenarios of the official conformance suite about extensions, which no revision requires: tasks (SEP-2663)
//! and skills (SEP-2640), through the proxy.

use gateway_tests::{
    proxy::Proxy,
    stack::root,
    suite::{checks, suite},
};
use serde_json::json;

use crate::conformance::python;

/// All but `tasks-status-notifications`, which the suite skips.
const TASKS: [&str; 9] = [
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
];
const SKILLS: [&str; 3] =
    ["sep-2640-skills-directory", "sep-2640-skills-enumeration", "sep-2640-skills-manifest"];

/// Tasks pass between a client and a server of 2026-07-28.
pub fn tasks() {
    judge("modern", &TASKS);
}

/// Skills pass between a client and a server of 2026-07-28.
pub fn skills() {
    judge("modern", &SKILLS);
}

/// Skills of a server of 2025-11-25 are those of one of 2026-07-28 to its client.
pub fn skills_of_an_older_server() {
    judge("legacy", &SKILLS);
}

/// Runs `scenarios` on a server of `era` behind the proxy, and asserts that every check succeeds.
fn judge(era: &str, scenarios: &[&str]) {
    let program = root().join("tests/fixtures/extension_server.py").display().to_string();
    let servers = json!({ "extensions": { "command": python(), "args": [program, era] } });
    let proxy = Proxy::serving(&servers, &["--stream-after", "0.1"]);
    let url = proxy.url("extensions");
    let mut failed = Vec::new();
    for scenario in scenarios {
        let results = tempfile::tempdir().expect("a directory");
        let version = ["--force", "--spec-version", "2026-07-28"];
        let mut run = suite(&["server", "--scenario", scenario, "--url", &url, "--output-dir"]);
        let output = run.arg(results.path()).args(version).output().expect("the suite runs");
        let checks = checks(results.path());
        let succeeded = checks.iter().filter(|(_, check)| check["status"] == "SUCCESS").count();
        println!("{scenario}: {succeeded}/{} checks succeed", checks.len());
        if checks.is_empty() || succeeded < checks.len() {
            println!("{checks:#?}\n{}", String::from_utf8_lossy(&output.stdout));
            failed.push(*scenario);
        }
    }
    assert!(failed.is_empty(), "of a {era} server: {failed:?}");
}
