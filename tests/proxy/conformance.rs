//! The official conformance suite, on the proxy over a stdio server that has what the suite asks for.

use gateway_tests::{
    proxy::Proxy,
    stack::root,
    suite::{checks, suite},
};
use serde_json::json;

/// The newest revision with a handshake.
const REVISION: &str = "2025-11-25";
/// Scenarios that the suite requires of a server of that revision.
const REQUIRED: usize = 30;

/// Every required scenario passes.
pub fn required() {
    let servers = json!({ "conformance": {
        "command": root().join(".tools/client-python-2/bin/python"),
        "args": ["-W", "ignore", root().join("tests/fixtures/conformance_server.py")],
    }});
    // Calls that take longer than this get a stream: some of the suite's do, others not.
    let proxy = Proxy::serving(&servers, &["--stream-after", "0.1"]);
    let results = tempfile::tempdir().expect("a directory");
    let mut run = suite(&["server", "--requirements", REVISION]);
    run.args(["--url", &proxy.url("conformance"), "--output-dir"]).arg(results.path());
    let output = run.output().expect("the suite runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{}", said.split("=== SUMMARY ===").last().unwrap_or_default());
    let required = scenarios();
    assert_eq!(required.len(), REQUIRED, "{required:?}");
    let checks = checks(results.path());
    for scenario in &required {
        // The time of the run follows; its century tells `tools-list` from `tools-list-more`.
        let directory = format!("/server-{scenario}-20");
        let theirs: Vec<_> = checks
            .iter()
            .filter(|(name, _)| name.contains(&directory))
            .map(|(_, one)| one)
            .collect();
        assert!(theirs.iter().any(|check| check["status"] == "SUCCESS"), "{scenario}: {theirs:#?}");
        assert!(theirs.iter().all(|check| check["status"] != "FAILURE"), "{scenario}: {theirs:#?}");
    }
    assert!(output.status.success(), "{said}\n{}", proxy.log());
    println!("{}/{REQUIRED} required scenarios of {REVISION} pass", required.len());
}

/// The names of the scenarios that are required of a server, as the suite lists them.
fn scenarios() -> Vec<String> {
    let output = suite(&["list", "--requirements", REVISION]).output().expect("the suite runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().skip_while(|line| !line.starts_with("Server scenarios"));
    let names = lines.skip(1).map_while(|line| line.trim().strip_prefix("- "));
    names.map(str::to_owned).collect()
}
