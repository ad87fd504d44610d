//! What rests on a revoked grant ends: streams, calls, processes.

use std::time::Duration;

use jsonwebtoken::get_current_timestamp;
use serde_json::{Value, json};

use crate::client::send;
use crate::s6_scene::{Scene, assert_ends, assert_goes_on, assert_revoked};
use crate::support::{ERA_SERVER, Modern, SERVER, call, eventually, is_alive, text};

#[test]
fn s6_streams_and_calls_of_a_revoked_grant_end_and_others_go_on() {
    let scene = Scene::start(&["--stream-after", "0.05"]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    let (mine, other) = (scene.session(&one), scene.session(&two));
    let pid = other.pid();
    assert_eq!(mine.pid(), pid, "one process for both");
    let (mut standing, mut kept) = (mine.get(&[]), other.get(&[]));
    let mut hanging = mine.post(&call(7, "hang", &json!({})));
    let mut sleeping = other.post(&call(8, "sleep", &json!({"ms": 3000, "say": "slept"})));
    scene.keys.feed.end(&["unknown", "g1"]);
    assert_revoked("the call", &mut hanging);
    assert_ends("the stream", &mut standing);
    // The same answer as that of the gateway itself.
    let challenge = ("X-MCP-Challenge", "Bearer resource_metadata=\"https://x\"");
    let headers = [&mine.headers()[..], &[challenge]].concat();
    for method in ["POST", "GET", "DELETE"] {
        let json = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        let body = call(1, "pid", &json!({})).to_string();
        let body = if method == "POST" { body.as_bytes() } else { b"" };
        let refused = send(scene.proxy.port, method, "/mcp", &[&headers[..], &json].concat(), body);
        assert_eq!(refused.status, 401, "{method}");
        let told = refused.header("www-authenticate").unwrap();
        assert!(
            told.starts_with(challenge.1) && told.contains("error=\"invalid_token\""),
            "{told}"
        );
    }
    // A later identity of the same grant fares no better.
    assert_eq!(scene.status(&scene.identity("g1", "t9")), 401);
    assert_eq!(text(&sleeping.event().unwrap().json()), "slept");
    assert_goes_on("the stream of the other grant", &mut kept, Duration::from_millis(300));
    assert_eq!(other.pid(), pid);
    let answer = other.call("received", &json!({}));
    let all: Vec<Value> = serde_json::from_str(text(&answer)).unwrap();
    let told = all.iter().filter(|one| one["method"] == "notifications/cancelled").count();
    assert_eq!(told, 1, "the server knows that nobody waits");
}

/// Nothing was sent yet: the client gets the status that makes it log in again.
#[test]
fn s6_a_request_that_waits_for_its_answer_is_refused() {
    let scene = Scene::start(&["--stream-after", "30"]);
    let identity = scene.identity("g1", "t1");
    scene.status(&scene.identity("g2", "t2"));
    std::thread::scope(|scope| {
        let (proxy, identity) = (&scene.proxy, &identity);
        let waiting = scope.spawn(move || {
            proxy.post(&[("X-MCP-Identity", identity)], &call(1, "hang", &json!({}))).status
        });
        eventually("it is in flight", || proxy.state()["calls"] == 1);
        scene.keys.feed.end(&["g1"]);
        assert_eq!(waiting.join().unwrap(), 401);
    });
}

/// Clients of 2026-07-28, with servers of either era.
#[test]
fn s6_modern_streams_and_calls_end() {
    for mode in ["--legacy", "--modern"] {
        let scene = Scene::with_command(&["--stream-after", "0.05"], &[ERA_SERVER, mode]);
        let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
        let (mut mine, mut other) = (scene.listen(&one), scene.listen(&two));
        let mut hanging = scene.modern_call(&one, "hang", &json!({}));
        scene.keys.feed.end(&["g1"]);
        assert_revoked(mode, &mut hanging);
        assert_ends(mode, &mut mine);
        assert_goes_on(mode, &mut other, Duration::from_millis(300));
        assert_eq!(scene.modern_call(&one, "pid", &json!({})).status, 401, "{mode}");
        // The call; and from a server of its own era the subscription, too.
        let expected = if mode == "--modern" { 2 } else { 1 };
        eventually("the server knows", || {
            scene.received(&two, "notifications/cancelled") == expected
        });
    }
}

/// A call that waits for its client ends, too: another grant cannot go on with it.
#[test]
fn s6_a_call_that_waits_for_its_client_ends() {
    let scene = Scene::with_command(&[], &[ERA_SERVER, "--legacy"]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    let client = Modern {
        proxy: &scene.proxy,
        user: None,
        capabilities: json!({"elicitation": {"form": {}}, "roots": {}}),
    };
    let mut params = json!({
        "name": "ask",
        "arguments": {"questions": [{"method": "roots/list", "params": {}}]},
    });
    let send = |identity: &str, params: &Value| {
        let body = client.request("a", "tools/call", params);
        client.send(&body, &[("X-MCP-Identity", identity)])
    };
    let asked = send(&one, &params).answer().1;
    let state = asked["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{asked}"));
    let key = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    params["requestState"] = state.into();
    params["inputResponses"] = json!({ key: {"roots": []} });
    let plain = json!({"name": "pid", "arguments": {}});
    assert_eq!(send(&two, &plain).status, 200);
    scene.keys.feed.end(&["g1"]);
    eventually("the grant has ended", || send(&one, &plain).status == 401);
    assert_eq!(send(&one, &params).status, 401);
    let answer = send(&two, &params).answer().1;
    assert!(answer["error"]["message"].as_str().unwrap().contains("revoked"), "{answer}");
}

/// RFC 7009 of an access token alone: its streams and calls end, those of the next one go on.
#[test]
fn s6_an_access_token_ends_alone() {
    let scene = Scene::start(&["--stream-after", "0.05"]);
    let (old, new) = (scene.identity("g", "t1"), scene.identity("g", "t2"));
    let (first, second) = (scene.session(&old), scene.session(&new));
    let pid = second.pid();
    let (mut standing, mut kept) = (first.get(&[]), second.get(&[]));
    let mut hanging = first.post(&call(7, "hang", &json!({})));
    scene.keys.feed.end(&["t1"]);
    assert_revoked("the call", &mut hanging);
    assert_ends("the stream", &mut standing);
    assert_eq!(scene.status(&old), 401);
    assert_goes_on("the stream of the other token", &mut kept, Duration::from_millis(300));
    assert_eq!(second.pid(), pid, "the grant keeps the process");
}

/// With the last grant of a person ends the process, whichever way it is shared.
#[test]
fn s6_a_person_without_grants_has_no_process() {
    let scene = Scene::start(&[]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    let bob = scene.identity_with("g3", "t3", &json!({"sub": "github:8"}));
    let (session, neighbour) = (scene.session(&one), scene.session(&bob));
    let (pid, theirs) = (session.pid(), neighbour.pid());
    assert_eq!(scene.session(&two).pid(), pid);
    scene.keys.feed.end(&["g1"]);
    eventually("the first grant has ended", || scene.status(&one) == 401);
    assert!(is_alive(pid), "the other one keeps it");
    scene.keys.feed.end(&["g2"]);
    eventually("it ends with the last", || !is_alive(pid));
    assert_eq!(neighbour.pid(), theirs);
    // Of a new grant nothing is held against the person.
    let fresh = scene.identity("g4", "t4");
    assert_ne!(scene.session(&fresh).pid(), pid);
    // A process of its own for each session.
    let apart = Scene::start(&["--isolation", "session"]);
    let pid = apart.session(&apart.identity("g1", "t1")).pid();
    apart.keys.feed.end(&["g1"]);
    eventually("it ends with its session", || !is_alive(pid));
    // One for all stays.
    let shared = Scene::start(&["--isolation", "shared"]);
    let pid = shared.session(&shared.identity("g1", "t1")).pid();
    shared.keys.feed.end(&["g1"]);
    eventually("the grant has ended", || shared.status(&shared.identity("g1", "t1")) == 401);
    assert_eq!(shared.session(&shared.identity("g2", "t2")).pid(), pid);
}

/// A grant that was not used for as long as its access token lived keeps no process.
#[test]
fn s6_a_grant_that_is_not_used_any_more_keeps_no_process() {
    let scene = Scene::start(&[]);
    let now = get_current_timestamp();
    let old = scene.identity_with("g1", "t1", &json!({"token_exp": now + 1}));
    let session = scene.session(&scene.identity("g2", "t2"));
    assert_eq!(scene.status(&old), 200);
    let pid = session.pid();
    eventually("its token is over", || get_current_timestamp() > now + 1);
    scene.keys.feed.end(&["g2"]);
    eventually("the process ends", || !is_alive(pid));
}

/// A server that starts while the grant ends is not asked what its client wanted.
#[test]
fn s6_a_call_that_waits_for_a_process_is_never_made() {
    let slow = format!("sleep 3; exec {SERVER}");
    let scene = Scene::with_command(&["--stream-after", "30"], &["sh", "-c", &slow]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    std::thread::scope(|scope| {
        let (proxy, one, two) = (&scene.proxy, &one, &two);
        let kept = scope.spawn(move || {
            let body = call(1, "sleep", &json!({"ms": 0, "say": "kept"}));
            text(&proxy.post(&[("X-MCP-Identity", two)], &body).answer().1).to_owned()
        });
        let revoked = scope.spawn(move || {
            let body = call(1, "sleep", &json!({"ms": 0, "say": "never"}));
            proxy.post(&[("X-MCP-Identity", one)], &body).status
        });
        // One that is late is refused all the same.
        std::thread::sleep(Duration::from_secs(1));
        scene.keys.feed.end(&["g1"]);
        assert_eq!(revoked.join().unwrap(), 401);
        assert_eq!(kept.join().unwrap(), "kept");
    });
    let headers = [("X-MCP-Identity", two.as_str())];
    let received = scene.proxy.post(&headers, &call(1, "received", &json!({}))).answer().1;
    assert!(!text(&received).contains("never"), "{received}");
}
