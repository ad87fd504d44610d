//! MCP's own conformance suite against the authorization server.

use gateway_tests::port::free_port;
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use gateway_tests::{
    stack::Stack,
    suite::{checks, suite},
};
use serde_json::{Value, json};
use url::Url;

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] =
    &[("the_conformance_suite_finds_nothing_wrong", the_conformance_suite)];

/// Its scenarios in authorization mode.
const LEGS: [&str; 2] = ["authorization-server-metadata-endpoint", "authorization-code-grant"];

fn the_conformance_suite(stack: &Stack) {
    let port = free_port();
    let callback = format!("http://127.0.0.1:{port}/callback");
    let client = run(register(stack, &callback));
    let results = tempfile::tempdir().unwrap();
    let mut suite = suite(&["authorization"])
        .args(["--url", stack.issuer(), "--client-id", &client])
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
