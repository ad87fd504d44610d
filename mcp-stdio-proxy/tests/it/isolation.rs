//! Who shares a process with whom (SEP-2567: correlate by principal, not by session id).

use serde_json::{Value, json};

use crate::support::{Proxy, call, eventually, initialize, is_alive, text};

fn pid_of(proxy: &Proxy, headers: &[(&str, &str)]) -> u32 {
    let answer = proxy.post(headers, &call(1, "pid", &json!({}))).answer().1;
    text(&answer).parse().unwrap()
}

/// Some clients never send the session id back.
#[test]
fn a_user_is_served_without_session_id_and_never_by_the_process_of_another() {
    let proxy = Proxy::start(&[]);
    let (alice, bob) = ([("X-User-Id", "github:1")], [("X-User-Id", "github:2")]);
    // Without any handshake of its own, with one whose id is dropped, and again.
    let first = pid_of(&proxy, &alice);
    assert_eq!(pid_of(&proxy, &alice), first);
    assert_ne!(pid_of(&proxy, &bob), first);
    let capable = json!({"sampling": {}});
    assert_eq!(proxy.post(&alice, &initialize("2025-06-18", &capable)).status, 200);
    let done = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(proxy.post(&alice, &done).status, 202);
    let second = pid_of(&proxy, &alice);
    assert_ne!(second, first, "its capabilities are others");
    assert_eq!(pid_of(&proxy, &alice), second);
    assert_eq!(proxy.post(&alice, &initialize("2025-06-18", &capable)).status, 200);
    assert_eq!(pid_of(&proxy, &alice), second);
    let answer = proxy.post(&alice, &call(1, "received", &json!({}))).answer().1;
    let received: Vec<Value> = serde_json::from_str(text(&answer)).unwrap();
    let count = |method: &str| received.iter().filter(|one| one["method"] == method).count();
    assert_eq!((count("initialize"), count("notifications/initialized")), (1, 1));
}

#[test]
fn a_request_of_the_server_reaches_a_user_without_session_id() {
    let proxy = Proxy::start(&[]);
    let alice = [("X-User-Id", "a")];
    let mut stream = proxy.post(&alice, &call(1, "ask", &json!({"method": "roots/list"})));
    let id = stream.event().unwrap().json()["id"].clone();
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"roots": []}});
    assert_eq!(proxy.post(&[("X-User-Id", "b")], &answer).status, 202);
    assert_eq!(proxy.post(&alice, &answer).status, 202);
    assert_eq!(text(&stream.event().unwrap().json()), json!({"roots": []}).to_string());
}

#[test]
fn a_session_belongs_to_its_user() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session_of(&[("X-User-Id", "a")], "2025-11-25", &json!({}));
    let id = ("Mcp-Session-Id", session.id.as_str());
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    for thief in [&[id][..], &[id, ("X-User-Id", "b")]] {
        assert_eq!(proxy.post(thief, &ping).status, 404);
        assert_eq!(proxy.get(thief).status, 404);
        assert_eq!(crate::client::send(proxy.port, "DELETE", "/mcp", thief, b"").status, 404);
    }
    assert_eq!(session.post(&ping).status, 200);
}

#[test]
fn anonymous_sessions_have_a_process_each_and_shared_ones_have_one() {
    let alone = Proxy::start(&["--isolation", "session"]);
    let alice = [("X-User-Id", "a")];
    let pids = [0; 2].map(|_| alone.session_of(&alice, "2025-11-25", &json!({})).pid());
    assert_ne!(pids[0], pids[1]);
    assert_eq!(alone.post(&alice, &call(1, "pid", &json!({}))).status, 400);

    let shared = Proxy::start(&["--isolation", "shared"]);
    let one = shared.session_of(&alice, "2025-11-25", &json!({"sampling": {}}));
    let other = shared.session_of(&[("X-User-Id", "b")], "2025-11-25", &json!({}));
    assert_eq!(one.pid(), other.pid());
    assert_eq!(pid_of(&shared, &[]), one.pid());
    // Whom a shared server asks cannot be told: it is refused, and the client sees no request.
    let (before, _) =
        one.post(&call(1, "ask", &json!({"method": "sampling/createMessage"}))).answer();
    assert!(before.is_empty(), "{before:?}");
}

/// Housekeeping goes on with the shortest timeout.
#[test]
fn a_process_may_end_as_soon_as_it_is_idle() {
    let proxy = Proxy::start(&["--idle-timeout", "0"]);
    let session = proxy.session();
    let pid = session.pid();
    eventually("the process ends", || proxy.state()["pids"] == json!([]) && !is_alive(pid));
    assert_ne!(session.pid(), pid, "the session is served by a new process");
}

/// 200 sessions opened and abandoned leave nothing behind.
#[test]
fn abandoned_sessions_cost_no_process_and_live_on() {
    let proxy = Proxy::start(&["--idle-timeout", "0.3", "--max-children", "300"]);
    let sessions: Vec<_> = (0..200).map(|_| proxy.session()).collect();
    let pid = sessions[0].pid();
    eventually("all processes end", || proxy.state()["pids"] == json!([]) && !is_alive(pid));
    assert_ne!(sessions[0].pid(), pid, "the session is served by a new process");
}
