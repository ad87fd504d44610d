//! Streamable HTTP as specified: statuses, headers, sessions, streams.

use serde_json::json;

use crate::client::send;
use crate::support::{Proxy, call, initialize, text};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const BOTH: (&str, &str) = ("Accept", "application/json, text/event-stream");

/// "Sending Messages to the Server", "Session Management".
#[test]
fn every_wrong_request_has_its_status_and_a_json_rpc_error() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let id = ("Mcp-Session-Id", session.id.as_str());
    let ping = json!({"jsonrpc": "2.0", "id": 7, "method": "ping"}).to_string();
    let post = |headers: &[(&str, &str)], body: &str| {
        let response = send(proxy.port, "POST", "/mcp", headers, body.as_bytes());
        let status = response.status;
        (status, response.json())
    };
    assert_eq!(post(&[JSON, BOTH, id], &ping).0, 200);
    for (status, headers, body) in [
        (400, vec![JSON, BOTH], ping.as_str()),
        (404, vec![JSON, BOTH, ("Mcp-Session-Id", "nonsense")], &ping),
        (404, vec![JSON, BOTH, id, ("X-User-Id", "somebody")], &ping),
        (406, vec![JSON, ("Accept", "application/json"), id], &ping),
        (415, vec![("Content-Type", "text/plain"), BOTH, id], &ping),
        (415, vec![BOTH, id], &ping),
        (400, vec![JSON, BOTH, id, ("MCP-Protocol-Version", "1999-01-01")], &ping),
        (403, vec![JSON, BOTH, id, ("Origin", "https://evil.example")], &ping),
        (403, vec![JSON, BOTH, id, ("Host", "evil.example")], &ping),
        (400, vec![JSON, BOTH, id], "{"),
        (400, vec![JSON, BOTH, id], r#"{"id": 1, "method": "ping"}"#),
        (400, vec![JSON, BOTH, id], "[]"),
        (400, vec![JSON, BOTH, id], ""),
    ] {
        let (got, answer) = post(&headers, body);
        assert_eq!(got, status, "{headers:?} {body}");
        assert!(answer["error"]["message"].is_string(), "{answer}");
    }
    let put = send(proxy.port, "PUT", "/mcp", &[], b"");
    assert_eq!((put.status, put.header("allow")), (405, Some("POST, GET, DELETE")));
    assert_eq!(send(proxy.port, "GET", "/mcp", &[id, ("Accept", "text/html")], b"").status, 406);
    assert_eq!(send(proxy.port, "GET", "/elsewhere", &[], b"").status, 404);
}

/// Clients of the field send versions newer than negotiated, and headers twice.
#[test]
fn a_version_header_that_is_newer_or_doubled_is_served() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    for version in ["2026-07-28", "2025-11-25, 2025-11-25", "2025-03-26"] {
        let headers = [&session.headers()[..], &[("MCP-Protocol-Version", version)]].concat();
        let response = proxy.post(&headers, &json!({"jsonrpc": "2.0", "id": 1, "method": "x"}));
        assert_eq!(response.status, 200, "{version}");
    }
}

/// A client of 2026-07-28 falls back on a 4xx that is no error of that revision.
#[test]
fn a_client_without_handshake_is_told_to_initialize() {
    let proxy = Proxy::start(&[]);
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    for method in ["server/discover", "tools/list"] {
        let ask = json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": {"_meta": meta}});
        let response = proxy.post(&[("X-User-Id", "u")], &ask);
        assert_eq!(response.status, 400);
        let answer = response.json();
        assert_eq!(answer["id"], 5);
        let code = answer["error"]["code"].as_i64().unwrap();
        assert!(!(-32099..=-32020).contains(&code), "{code}");
    }
}

#[test]
fn ids_of_any_kind_come_back_as_they_were() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    for id in [json!(1), json!("1"), json!("ä \"x\""), json!(-5), json!(u64::MAX)] {
        let (before, answer) = session.post(&call(id.clone(), "pid", &json!({}))).answer();
        assert_eq!(answer["id"], id);
        assert!(before.is_empty());
    }
    let unknown = json!({"jsonrpc": "2.0", "id": 1, "method": "made/up", "params": {"a": [1.50]}});
    assert_eq!(session.post(&unknown).answer().1["result"]["echo"]["a"][0], 1.5);
}

/// "DELETE": afterwards the session is unknown, and its process is gone with its descendants.
#[test]
fn a_deleted_session_takes_its_processes_along() {
    let proxy = Proxy::start(&[]);
    let (session, other) = (proxy.session(), proxy.session());
    let grandchild: u32 = text(&session.call("fork", &json!({}))).parse().unwrap();
    let pid = session.pid();
    assert_ne!(pid, other.pid());
    assert_eq!(session.delete().status, 204);
    assert_eq!(session.delete().status, 404);
    assert_eq!(session.post(&call(1, "pid", &json!({}))).status, 404);
    crate::support::eventually("the processes end", || {
        !crate::support::is_alive(pid) && !crate::support::is_alive(grandchild)
    });
    assert!(crate::support::is_alive(other.pid()));
}

/// "Listening for Messages from the Server"; a second stream takes over from the first.
#[test]
fn what_the_server_says_unasked_comes_on_one_stream() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let mut old = session.get(&[]);
    assert_eq!(old.header("content-type"), Some("text/event-stream"));
    assert_eq!(old.header("x-accel-buffering"), Some("no"));
    assert!(old.line().is_some());
    let changed = json!({"method": "notifications/tools/list_changed"});
    session.call("notify", &changed);
    let first = old.event().unwrap();
    assert_eq!(first.json()["method"], "notifications/tools/list_changed");
    let mut new = session.get(&[]);
    assert!(new.line().is_some());
    session.call("notify", &changed);
    assert!(new.event().is_some());
    assert!(old.event().is_none(), "the old stream has ended");
}

/// "Resumability and Redelivery".
#[test]
fn a_stream_that_was_cut_is_resumed_after_the_last_event() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let slow = json!({"jsonrpc": "2.0", "id": "r", "method": "tools/call", "params": {
        "name": "progress", "arguments": {"steps": 5}, "_meta": {"progressToken": "t"}}});
    let mut cut = session.post(&slow);
    let second = (cut.event().unwrap(), cut.event().unwrap()).1;
    assert_eq!(second.json()["params"]["progress"], 2);
    drop(cut);
    let mut resumed = session.get(&[("Last-Event-ID", &second.id)]);
    for step in 3..=5 {
        assert_eq!(resumed.event().unwrap().json()["params"]["progress"], step);
    }
    assert_eq!(resumed.event().unwrap().json()["id"], "r");
    assert!(resumed.event().is_none());
    let stranger = proxy.session();
    let mut theirs = stranger.get(&[("Last-Event-ID", &second.id)]);
    stranger.call("notify", &json!({"method": "notifications/tools/list_changed"}));
    let event = theirs.event().unwrap();
    assert_eq!(event.json()["method"], "notifications/tools/list_changed", "only their own");
}

/// SEP-1699: the priming event is for those who know it.
#[test]
fn a_stream_opens_with_a_priming_event_since_2025_11_25() {
    let proxy = Proxy::start(&[]);
    for (version, primed) in [("2025-11-25", true), ("2025-06-18", false)] {
        let session = proxy.session_of(&[], version, &json!({}));
        let first = session.get(&[]).line().unwrap();
        assert_eq!(first.starts_with("id: "), primed, "{version}: {first}");
    }
}

/// Batches are in 2025-03-26 alone.
#[test]
fn a_batch_is_answered_in_full_where_batches_exist() {
    let proxy = Proxy::start(&[]);
    let batch = json!([call(1, "pid", &json!({})), {"jsonrpc": "2.0", "method": "n"}, call(1, "hm", &json!({}))]);
    let session = proxy.session_of(&[], "2025-03-26", &json!({}));
    let (mut answers, last) = session.post(&batch).answer();
    answers.push(last);
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|answer| answer["id"] == 1));
    let only = json!([{"jsonrpc": "2.0", "method": "n"}]);
    assert_eq!(session.post(&only).status, 202);
    assert_eq!(proxy.session().post(&batch).status, 400);
}

#[test]
fn health_and_status_start_no_server() {
    let proxy = Proxy::start(&[]);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(send(proxy.port, "GET", path, &[], b"").status, 200);
    }
    assert_eq!(proxy.state()["pids"], json!([]));
    let through_gateway = [("X-User-Id", "u")];
    assert_eq!(send(proxy.port, "GET", "/servers", &through_gateway, b"").status, 404);
}

/// "If the server supports the requested protocol version, it MUST respond with the same version.
/// Otherwise, the server MUST respond with another protocol version it supports." The server behind
/// would echo anything.
#[test]
fn a_version_without_handshake_is_answered_with_the_newest_that_has_one() {
    let proxy = Proxy::start(&[]);
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("latest", "2025-11-25"),
    ] {
        let answer = proxy.post(&[], &initialize(asked, &json!({}))).answer().1;
        assert_eq!(answer["result"]["protocolVersion"], answered, "{asked}");
    }
}

#[test]
fn initialize_must_say_a_version() {
    let proxy = Proxy::start(&[]);
    let mut wrong = initialize("2025-11-25", &json!({}));
    wrong["params"] = json!({});
    let (_, answer) = proxy.post(&[], &wrong).answer();
    assert_eq!(answer["error"]["code"], -32602);
}
