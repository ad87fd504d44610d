//! The official SDKs, from the first 401 to a tool call, on every server of the catalogue.

use std::process::Command;

use gateway_tests::{
    github::Mood,
    stack::{Stack, root},
};
use serde_json::{Value, json};

use crate::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("the_python_sdk_uses_every_server", the_python_sdk),
    ("the_typescript_sdk_uses_every_server", the_typescript_sdk),
    ("the_python_sdk_logs_in_with_a_code", the_python_sdk_with_a_code),
];

/// A tool of each server, and a word of its answer.
fn calls(stack: &Stack) -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let data = |name: &str| stack.path("data").join(name).display().to_string();
    let thought = json!({
        "thought": "one", "nextThoughtNeeded": false, "thoughtNumber": 1, "totalThoughts": 1,
    });
    let entity = json!({ "entities": [
        { "name": "gateway", "entityType": "program", "observations": ["it works"] },
    ]});
    vec![
        ("everything", "echo", json!({ "message": "round trip" }), "round trip"),
        ("filesystem", "list_directory", json!({ "path": data("files") }), "hello.txt"),
        ("memory", "create_entities", entity, "content"),
        ("sequential-thinking", "sequentialthinking", thought, "thoughtHistoryLength"),
        ("time", "get_current_time", json!({ "timezone": "UTC" }), "is_dst"),
        ("git", "git_log", json!({ "repo_path": data("repository") }), "Commit"),
        (
            "fetch",
            "fetch",
            json!({ "url": format!("{}/page", stack.github.url) }),
            "a page to fetch",
        ),
    ]
}

fn the_python_sdk(stack: &Stack) {
    stack.github.set(Mood::LogsIn { id: 583_231, login: "octocat".into() });
    drive(stack, python(stack));
}

fn the_typescript_sdk(stack: &Stack) {
    let mut command = Command::new("node");
    command.arg(root().join("tests/clients/typescript/driver.mjs"));
    command.env("NODE_EXTRA_CA_CERTS", stack.ca());
    drive(stack, command);
}

fn the_python_sdk_with_a_code(stack: &Stack) {
    let mut command = python(stack);
    command.env("LOGIN_CODE", stack.login_code("alice"));
    command.args([stack.url("time"), "get_current_time", r#"{"timezone":"UTC"}"#]);
    assert_eq!(answers(command).len(), 1);
}

fn python(stack: &Stack) -> Command {
    let mut command = Command::new(root().join(".tools/client-python/bin/python"));
    command.arg(root().join("tests/clients/python/driver.py"));
    command.env("SSL_CERT_FILE", stack.ca());
    command
}

fn drive(stack: &Stack, mut command: Command) {
    let calls = calls(stack);
    assert_eq!(calls.len(), 7, "the catalogue of the quickstart");
    for (server, tool, arguments, _) in &calls {
        command.args([stack.url(server), tool, &arguments.to_string()]);
    }
    let answers = answers(command);
    assert_eq!(answers.len(), calls.len());
    for ((server, tool, _, word), answer) in calls.iter().zip(&answers) {
        let tools = answer["tools"].as_array().unwrap();
        assert!(tools.contains(&json!(tool)), "{server}: {tools:?}");
        let result = answer["result"].to_string();
        assert!(result.contains(word), "{server} answered {result}");
    }
}

fn answers(mut command: Command) -> Vec<Value> {
    let output = command.output().expect("the client runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
