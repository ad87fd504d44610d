//! The official conformance suite, on the proxy over a stdio server that has what the suite asks for,
//! of either era or of both.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use gateway_tests::{
    proxy::Proxy,
    stack::root,
    suite::{checks, suite},
};
use serde_json::{Value, json};

/// The newest revision with a handshake.
const LEGACY: &str = "2025-11-25";
/// The first without.
const MODERN: &str = "2026-07-28";
/// Scenarios that the suite requires of a server of these revisions.
const REQUIRED: [(&str, usize); 2] = [(LEGACY, 30), (MODERN, 37)];
/// Scenarios of 2026-07-28 that the suite runs and does not score, but our proxy must pass.
const HEADERS: [&str; 2] = ["http-header-validation", "http-custom-header-server-validation"];

/// What no translation can serve, and why.
const UNTRANSLATABLE: [(&str, &str); 2] = [
    (
        "input-required-result-basic-elicitation",
        "it wants the key \"user_name\": a request of a server with a handshake has an id, and no name",
    ),
    (
        "input-required-result-ignore-extra-params",
        "it answers a question before it is asked: nobody knows which one such a server will ask",
    ),
];

/// The server passes by itself, over the HTTP of its SDK: what fails below is the proxy's.
pub fn server_itself() {
    let mut server = Command::new(python());
    server.args(fixture("both")).arg("--http").stdout(Stdio::piped());
    let mut server = Running(server.spawn().expect("the server runs"));
    let mut url = String::new();
    let output = server.0.stdout.take().expect("a pipe");
    let _read = BufReader::new(output).read_line(&mut url).expect("it says where it is");
    judge(url.trim(), LEGACY, &[], &[]);
    judge(url.trim(), MODERN, &HEADERS, &[]);
}

/// A server that speaks both, to a client with a handshake.
pub fn handshake() {
    judge(&Served::new("both").url(), LEGACY, &[], &[]);
}

/// A server that speaks both, to a client without.
pub fn no_handshake() {
    judge(&Served::new("both").url(), MODERN, &HEADERS, &[]);
}

/// A server that knows nothing after 2025-11-25, to a client without a handshake.
pub fn no_handshake_before_a_server_with_one() {
    let served = Served::new("legacy");
    // Clients with other capabilities have a process of their own, and the suite waits 0.6 s for one that
    // can be asked: less than this Python takes to start.
    discover(&served.url(), &json!({ "elicitation": {} }));
    judge(&served.url(), MODERN, &HEADERS, &UNTRANSLATABLE);
}

/// Discovers the server as a client with `capabilities` does.
fn discover(url: &str, capabilities: &Value) {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }}});
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--max-time", "30", "--data", &body.to_string(), url]);
    let version = format!("MCP-Protocol-Version: {MODERN}");
    for header in [
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "Mcp-Method: server/discover",
        &version,
    ] {
        curl.args(["--header", header]);
    }
    let answer = curl.output().expect("curl");
    let answer: Value = serde_json::from_slice(&answer.stdout).expect("an answer");
    assert_eq!(answer["result"]["supportedVersions"], json!([MODERN]));
}

/// A server that knows nothing before 2026-07-28, to a client with a handshake.
pub fn handshake_before_a_server_without() {
    judge(&Served::new("modern").url(), LEGACY, &[], &[]);
}

/// A server of the suite that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The proxy with the server of the suite behind it.
struct Served(Proxy);

impl Served {
    fn new(era: &str) -> Self {
        let servers = json!({ "conformance": { "command": python(), "args": fixture(era) } });
        // Calls that take longer than this get a stream: some of the suite's do, others not.
        Self(Proxy::serving(&servers, &["--stream-after", "0.1"]))
    }

    fn url(&self) -> String {
        self.0.url("conformance")
    }
}

/// The Python that has the SDK.
pub fn python() -> String {
    root().join(".tools/client-python-2/bin/python").display().to_string()
}

/// The arguments that make it the server of the suite, of `era`: `legacy`, `modern` or `both`.
pub fn fixture(era: &str) -> [String; 5] {
    let program = root().join("tests/fixtures/conformance_server.py").display().to_string();
    ["-W".into(), "ignore".into(), program, "--era".into(), era.into()]
}

/// Runs what `revision` requires, and asserts that everything passes, `also` included, but for the
/// scenarios of `cannot`, which have a reason.
fn judge(url: &str, revision: &str, also: &[&str], cannot: &[(&str, &str)]) {
    let results = tempfile::tempdir().expect("a directory");
    let mut run = suite(&["server", "--requirements", revision, "--url", url, "--output-dir"]);
    let output = run.arg(results.path()).output().expect("the suite runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{}", said.split("=== SUMMARY ===").last().unwrap_or_default());
    let required = scenarios(revision);
    let count = REQUIRED.iter().find(|(one, _)| *one == revision).expect("a revision").1;
    assert_eq!(required.len(), count, "{required:?}");
    let checks = checks(results.path());
    let mut failed = Vec::new();
    for scenario in required.iter().map(String::as_str).chain(also.iter().copied()) {
        let theirs = of_scenario(&checks, scenario);
        let status = |status: &str| theirs.iter().any(|check| check["status"] == status);
        if !status("SUCCESS") || status("FAILURE") || status("WARNING") {
            failed.push(scenario);
            if !cannot.iter().any(|(name, _)| *name == scenario) {
                println!("{scenario}: {theirs:#?}");
            }
        }
    }
    let expected: Vec<_> = cannot.iter().map(|(name, _)| *name).collect();
    assert_eq!(failed, expected, "of {revision}; the suite said: {said}");
    for (scenario, reason) in cannot {
        println!("- {scenario}: {reason}");
    }
    let passed = required.len() + also.len() - failed.len();
    println!("{passed}/{} scenarios of {revision} pass", required.len() + also.len());
}

/// The checks of one scenario.
fn of_scenario<'a>(checks: &'a [(String, Value)], scenario: &str) -> Vec<&'a Value> {
    // The time of the run follows; its century tells `tools-list` from `tools-list-more`.
    let directory = format!("/server-{scenario}-20");
    checks.iter().filter(|(name, _)| name.contains(&directory)).map(|(_, one)| one).collect()
}

/// The names of the scenarios that are required of a server, as the suite lists them.
fn scenarios(revision: &str) -> Vec<String> {
    let output = suite(&["list", "--requirements", revision]).output().expect("the suite runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().skip_while(|line| !line.starts_with("Server scenarios"));
    let names = lines.skip(1).map_while(|line| line.trim().strip_prefix("- "));
    names.map(str::to_owned).collect()
}
