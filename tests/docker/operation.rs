//! Servers come and go while others are used: a container of their own, and an entry in the file.

use gateway_tests::{
    client::{McpClient, Reply},
    sdk::{Driver, Sdk},
    stack::Gateway,
};
use serde_json::json;

use crate::{
    Scenario, Stage,
    compose::{Compose, bridge, eventually},
    run,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("a_server_comes_in_a_container_and_goes", a_container_comes_and_goes),
    ("a_server_comes_by_the_file_and_goes", an_entry_comes_and_goes),
    ("what_was_pasted_is_added", what_was_pasted_is_added),
    ("the_operator_sees_every_server", the_operator_sees_every_server),
];

const PACKAGE: &str = "mcp-server-time==2026.10.19";

/// What a request without a token is answered with.
fn status(compose: &Compose, name: &str) -> u16 {
    run(async { Reply::read(compose.http().post(compose.url(name))).await.status.as_u16() })
}

fn uses_it(stage: &Stage, name: &str) {
    let mut driver = Driver::start(Sdk::Python2, &stage.compose);
    let opened = driver.open(&stage.compose.url(name), &[]);
    assert_eq!(opened.body["tools"].as_array().map(Vec::len), Some(2));
    driver.call("get_current_time", &json!({ "timezone": "UTC" })).assert_says("is_dst");
}

/// When the container of a service was started.
fn started(compose: &Compose, service: &str) -> String {
    compose.inspect(&compose.container(service))["State"]["StartedAt"].to_string()
}

fn a_container_comes_and_goes(stage: &Stage) {
    let compose = &stage.compose;
    let before = ["traefik", "auth-service", "time"].map(|service| started(compose, service));
    assert_eq!(status(compose, "clock"), 404);
    compose.run("scripts/add-server", &["clock", "--title", "Clock", "--pypi", PACKAGE]);
    eventually("the server is known", || status(compose, "clock") == 401);
    uses_it(stage, "clock");
    stage.fleet().all_work("beside a new server");
    compose.run("scripts/add-server", &["--remove", "clock"]);
    eventually("the server is gone", || status(compose, "clock") == 404);
    let after = ["traefik", "auth-service", "time"].map(|service| started(compose, service));
    assert_eq!(before, after, "nothing else was started anew");
}

fn an_entry_comes_and_goes(stage: &Stage) {
    let compose = &stage.compose;
    let before = ["traefik", "auth-service", "file"].map(|service| started(compose, service));
    assert_eq!(status(compose, "watch"), 404);
    compose.run("scripts/add-server", &["watch", "--file", "--allow", "alice", "--pypi", PACKAGE]);
    eventually("the server is known", || status(compose, "watch") == 401);
    run(async {
        let alice = McpClient::log_in_to(compose, &compose.url("watch"), "alice").await;
        let reply = alice.call("tools/list", json!({})).await;
        assert_eq!(reply.body["result"]["tools"].as_array().map(Vec::len), Some(2), "{reply:?}");
    });
    compose.run("scripts/add-server", &["--remove", "watch"]);
    eventually("the server is gone", || status(compose, "watch") == 404);
    let after = ["traefik", "auth-service", "file"].map(|service| started(compose, service));
    assert_eq!(before, after, "nothing was started anew");
}

/// The form that READMEs of servers have, with what compose and shells would read something into.
fn what_was_pasted_is_added(stage: &Stage) {
    let compose = &stage.compose;
    let secret = "a$b \"c\" 'd' \\e";
    let pasted = json!({ "mcpServers": { "pasted": {
        "command": "uvx",
        "args": [PACKAGE, "--local-timezone", "UTC"],
        "env": { "API_KEY": secret },
    } } });
    std::fs::write(compose.path("pasted.json"), pasted.to_string()).unwrap();
    compose.run("scripts/add-server", &["--json", "pasted.json"]);
    eventually("the server is known", || status(compose, "pasted") == 401);
    uses_it(stage, "pasted");
    let told = compose.python("pasted", "import os; print(os.environ['API_KEY'])");
    assert_eq!(told, secret);
    compose.run("scripts/add-server", &["--remove", "pasted"]);
}

/// `server list` and `doctor` in their container, which sees Docker and Traefik.
fn the_operator_sees_every_server(stage: &Stage) {
    let compose = &stage.compose;
    let program = ["compose", "exec", "-T", "auth-service", "/auth-service"];
    let list = compose.run("docker", &[&program[..], &["server", "list"]].concat());
    for name in ["everything", "everything-http", "fetch", "git", "memory", "time", "tmux"] {
        assert!(list.contains(&compose.url(name)), "{name} is not in {list}");
    }
    // Where a container finds the authority, and the public names, which no DNS has.
    std::fs::copy(compose.ca(), compose.path("servers/ca.pem")).unwrap();
    let address = bridge().to_string();
    let doctor = ["doctor", "--json", "--ca", "/etc/mcp/ca.pem", "--address", &address];
    let told = compose.run("docker", &[&program[..], &doctor].concat());
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["ok"], true, "{told}");
}
