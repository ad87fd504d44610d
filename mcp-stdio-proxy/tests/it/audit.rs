//! Audit events of the proxy: what they say, and what they never say.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::send;
use crate::config::File;
use crate::issuer::{KeyServer, Signer, jwks};
use crate::support::{ERA_SERVER, PROXY, Proxy, SERVER, call, eventually, initialize};

/// A proxy with an audit log and a log file.
struct Scene {
    proxy: Proxy,
    directory: TempDir,
}

impl Scene {
    fn start(options: &[&str], command: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (audit, log) = (path("audit.jsonl"), path("log"));
        let own = ["--audit-log", &audit, "--log-file", &log, "--log-format", "json"];
        let proxy = Proxy::with(&[options, &own, command].concat(), &[]);
        Self { proxy, directory }
    }

    fn of_faulty(options: &[&str]) -> Self {
        Self::start(options, &["--", SERVER])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path("audit.jsonl")).unwrap_or_default()
    }

    fn events(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The events of a kind, once there are so many.
    fn wait(&self, kind: &str, count: usize) -> Vec<Value> {
        let mut found = Vec::new();
        eventually(&format!("{count} {kind}"), || {
            found = self.events();
            found.retain(|event| event["event"] == kind);
            found.len() >= count
        });
        assert_eq!(found.len(), count, "{found:#?}");
        found
    }
}

#[test]
fn a_call_is_recorded_with_its_outcome_and_never_what_it_says() {
    let scene = Scene::of_faulty(&[]);
    let session = scene.proxy.session();
    session.call("sleep", &json!({"ms": 30, "say": "in-the-result", "x": "in-the-arguments"}));
    session.call("no_such\u{7}tool", &json!({"secret": "in-the-arguments"}));
    let raw = "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"content\":[],\"isError\":true}}\n";
    session.call("raw", &json!({"raw": raw}));
    let events = scene.wait("tool.called", 3);
    let told = |event: &Value| {
        ["tool", "outcome", "reason"].map(|name| event[name].as_str().unwrap_or("-").to_owned())
    };
    assert_eq!(told(&events[0]), ["sleep", "ok", "-"]);
    assert!(events[0]["ms"].as_u64().unwrap() >= 30, "{}", events[0]);
    assert_eq!(told(&events[1]), ["no_such?tool", "failed", "error -32602"]);
    assert_eq!(told(&events[2]), ["raw", "failed", "is_error"]);
    for event in &events {
        assert_eq!((&event["server"], &event["v"]), (&"server".into(), &1.into()));
        assert_eq!((&event["addr"], &event["agent"]), (&"127.0.0.1".into(), &"unstated".into()));
        assert!(event["by"].as_str().unwrap().starts_with("mcp-stdio-proxy@"));
        assert!(event.get("actor").is_none() && event.get("request").is_none(), "{event}");
    }
    assert!(!scene.text().contains("in-the"), "{}", scene.text());
}

/// The outcome of a call that the server runs as a task is that of the task, however often it was sent.
#[test]
fn a_call_that_becomes_a_task_is_recorded_with_the_outcome_of_the_task() {
    for mode in ["--legacy-tasks", "--legacy-tasks-unlisted"] {
        let scene = Scene::start(&[], &["--", ERA_SERVER, mode]);
        let client = scene.proxy.modern(json!({}));
        client.call("job", &json!({"polls": 2, "is_error": true}));
        let event = &scene.wait("tool.called", 1)[0];
        assert_eq!((&event["tool"], &event["reason"]), (&"job".into(), &"is_error".into()));
        assert!(event["ms"].as_u64().unwrap() >= 200, "{event}");
    }
}

#[test]
fn who_called_comes_from_the_signed_identity() {
    let signer = Signer::es256("one");
    let keys = KeyServer::start(Some(jwks(&[&signer])));
    let scene = Scene::of_faulty(&["--identity-jwks", &keys.url, "--ended-grants", &keys.url]);
    eventually("the keys are known", || scene.proxy.log().contains("the gateway has 1 keys"));
    let client = json!({
        "preferred_username": "octocat", "client_id": "https://claude.ai/x", "client_name": "Claude",
    });
    let identity = signer.identity(&client);
    let headers = [
        ("X-MCP-Identity", identity.as_str()),
        ("X-Client-Id", "somebody-else"),
        ("X-User-Name", "somebody-else"),
        ("X-Client-Address", "203.0.113.7"),
        ("X-Request-Id", "0197a1b2-c3d4-7000-8f21-6b0d5a4f3e2c"),
        ("User-Agent", "claude-code/2.1"),
    ];
    assert_eq!(scene.proxy.post(&headers, &call(1, "pid", &json!({}))).status, 200);
    let event = &scene.wait("tool.called", 1)[0];
    assert_eq!(event["actor"], json!({"sub": "github:7", "name": "octocat"}));
    assert_eq!(event["client"], json!({"id": "https://claude.ai/x", "name": "Claude"}));
    assert_eq!((&event["addr"], &event["agent"]), (&"203.0.113.7".into(), &"claude-code".into()));
    assert_eq!(event["request"], "0197a1b2-c3d4-7000-8f21-6b0d5a4f3e2c");
    // The log of the program names the same request, as JSON.
    let mut line = Value::Null;
    eventually("the request is logged", || {
        let log = fs::read_to_string(scene.path("log")).unwrap();
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        line = lines.into_iter().find(|line| line["target"] == "access").unwrap_or_default();
        line.is_object()
    });
    assert_eq!((&line["request"], &line["status"]), (&event["request"], &200.into()));
}

#[test]
fn a_refused_call_is_recorded_with_the_reason() {
    let tools = json!({"allow": ["read_*"]});
    let file = File::new(&json!({"server": {"command": SERVER, "tools": tools}}));
    let scene = Scene::start(&["--config", file.path()], &[]);
    let body = call(1, "secret_c", &json!({"x": "in-the-arguments"}));
    scene.proxy.post_to("/server/mcp", &[("X-User-Id", "github:7")], &body);
    let event = &scene.wait("tool.refused", 1)[0];
    assert_eq!((&event["tool"], &event["outcome"]), (&"secret_c".into(), &"denied".into()));
    assert_eq!(
        (&event["reason"], &event["actor"]["sub"]),
        (&"not_offered".into(), &"github:7".into())
    );
    assert!(!scene.text().contains("in-the") && !scene.text().contains("tool.called"));
}

#[test]
fn sessions_and_failures_are_recorded() {
    let mut scene = Scene::of_faulty(&[]);
    let session = scene.proxy.session();
    session.call("die", &json!({}));
    session.call("pid", &json!({}));
    let failed = &scene.wait("server.failed", 1)[0];
    assert_eq!((&failed["reason"], &failed["server"]), (&"exit code 9".into(), &"server".into()));
    let died = &scene.wait("tool.called", 2)[0];
    assert_eq!((&died["tool"], &died["outcome"]), (&"die".into(), &"failed".into()));
    assert_eq!(session.delete().status, 204);
    scene.wait("session.started", 1);
    assert!(scene.wait("session.ended", 1)[0]["ms"].is_u64());
    drop(scene.proxy.session());
    assert!(scene.proxy.terminate());
    assert_eq!(scene.wait("session.ended", 2).len(), 2);
}

#[test]
fn each_request_of_2026_07_28_is_one_event() {
    let scene = Scene::start(&[], &["--", ERA_SERVER, "modern"]);
    let client = scene.proxy.modern(json!({}));
    client.call("pid", &json!({}));
    client.call("pid", &json!({}));
    let events = scene.wait("tool.called", 2);
    assert_ne!(events[0]["id"], events[1]["id"]);
    assert_eq!(events[0]["outcome"], "ok");
}

#[test]
fn a_call_that_nobody_waits_for_any_more_is_recorded_too() {
    let scene = Scene::of_faulty(&["--request-timeout", "1"]);
    let session = scene.proxy.session();
    session.call("hang", &json!({}));
    let event = &scene.wait("tool.called", 1)[0];
    assert_eq!((&event["tool"], &event["outcome"]), (&"hang".into(), &"failed".into()));
    assert!(event["reason"].as_str().unwrap().starts_with("error "), "{event}");
}

/// `kill -9` loses at most what was written in the last interval.
#[test]
fn a_killed_proxy_has_lost_at_most_one_interval() {
    let mut scene = Scene::of_faulty(&[]);
    let session = scene.proxy.session();
    for _ in 0..50 {
        session.call("pid", &json!({}));
    }
    std::thread::sleep(Duration::from_millis(300));
    scene.proxy.process.kill().unwrap();
    scene.proxy.process.wait().unwrap();
    scene.wait("tool.called", 50);
}

#[test]
fn kinds_can_be_left_out_and_the_file_is_rotated() {
    let scene =
        Scene::of_faulty(&["--audit-events=-session.*", "--log-max-size=1kb", "--log-keep=1"]);
    let session = scene.proxy.session();
    for _ in 0..8 {
        session.call("pid", &json!({}));
        std::thread::sleep(Duration::from_millis(210));
    }
    eventually("it is rotated", || scene.path("audit.jsonl.1").exists());
    assert!(!scene.path("audit.jsonl.2").exists());
    assert!(fs::metadata(scene.path("audit.jsonl")).unwrap().len() <= 1024);
    assert!(!scene.text().contains("session."));
}

/// The audit log on standard output has events alone.
#[test]
fn events_on_standard_output_are_not_mixed_with_the_log() {
    use std::io::{BufRead as _, BufReader};
    let mut process = std::process::Command::new(PROXY)
        .args(["--listen", "127.0.0.1:0", "--audit-log", "-", "--", SERVER])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(process.stderr.take().unwrap());
    let mut lines = stderr.lines().map_while(Result::ok);
    let port =
        lines.find_map(|line| Some(line.split_once("listening on 127.0.0.1:")?.1.to_owned()));
    let port = port.unwrap().trim().parse().unwrap();
    let json =
        [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    let body = initialize("2025-11-25", &json!({})).to_string();
    assert_eq!(send(port, "POST", "/mcp", &json, body.as_bytes()).status, 200);
    let mut first = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut first).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    let event: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(event["event"], "session.started");
}
