//! The official SDKs of today, from the first 401 to a tool call, on every server of the catalogue.

use gateway_tests::{
    github::Mood,
    sdk::{Driver, Sdk},
    stack::Stack,
};
use serde_json::{Value, json};

use crate::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("the_python_sdk_uses_every_server", |stack| use_every_server(stack, Sdk::Python2)),
    ("the_typescript_sdk_uses_every_server", |stack| use_every_server(stack, Sdk::TypeScript2)),
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

fn use_every_server(stack: &Stack, sdk: Sdk) {
    stack.github.set(Mood::LogsIn { id: 583_231, login: "octocat".into() });
    let calls = calls(stack);
    assert_eq!(calls.len(), 7, "the catalogue of the quickstart");
    let mut client = Driver::start(sdk, stack);
    for (server, tool, arguments, word) in &calls {
        let opened = client.open(stack.url(server), &[]);
        let tools = opened.body["tools"].as_array().unwrap();
        assert!(tools.contains(&json!(tool)), "{server}: {tools:?}");
        client.call(tool, arguments).assert_says(word);
    }
}

fn the_python_sdk_with_a_code(stack: &Stack) {
    let mut client = Driver::start(Sdk::Python2, stack);
    let opened = client.open(stack.url("time"), &[("login_code", &stack.login_code("alice"))]);
    assert_eq!(opened.claims["sub"], "local:alice");
    client.call("get_current_time", &json!({ "timezone": "UTC" })).assert_says("is_dst");
}
