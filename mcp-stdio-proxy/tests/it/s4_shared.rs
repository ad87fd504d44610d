//! What a process that serves several users is asked for, and what it says to whom, whatever the era.

use serde_json::{Value, json};

use crate::client::send;
use crate::s4_isolation::{
    ALICE, BOB, ISOLATIONS, META, code, era, faulty, modern, request, session,
};
use crate::support::{Modern, Proxy, Session, call, text};

const TASKS: [&str; 5] =
    ["tasks/list", "tasks/get", "tasks/result", "tasks/cancel", "tasks/update"];

fn change(uri: &str) -> Value {
    json!({"method": "notifications/resources/updated", "params": {"uri": uri}})
}

/// The server is told nothing under an id of ours that a client has written.
#[test]
fn no_id_of_the_proxy_reaches_a_shared_process_from_a_client() {
    let proxy = Proxy::with_command(
        &["--isolation", "shared"],
        &[crate::support::ERA_SERVER, "--legacy", "--fold"],
    );
    let json = [("Content-Type", "application/json")];
    let post =
        |body: &str| send(proxy.port, "POST", "/mcp", &[&BOB[..], &json].concat(), body.as_bytes());
    proxy.post(&BOB, &call(1, "pid", &json!({}))).answer();
    for body in [
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x","REQUESTID":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x","requestId":1}}"#,
        r#"{"jsonrpc":"2.0","method":"x","METHOD":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","method":"Notifications/Cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":"q","ID":1,"method":"tools/call","params":{"name":"pid"}}"#,
        r#"{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{"name":"pid","_META":{"progressToken":1}}}"#,
        r#"{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{"name":"pid","_meta":{"ProgressToken":1}}}"#,
        r#"{"jsonrpc":"2.0","id":"q","method":"tools/call","params":[{"progressToken":1}]}"#,
    ] {
        let refused = post(body);
        assert_eq!((refused.status, code(&refused.json())), (400, -32600), "{body}");
    }
    // Tokens that go where the proxy does not look for a token.
    for body in [
        r#"{"jsonrpc":"2.0","method":"x/tell","params":{"_meta":{"progressToken":987654}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":987654}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":987654}}"#,
    ] {
        assert_eq!(post(body).status, 202, "{body}");
    }
    let odd = r#"{"jsonrpc":"2.0","id":"q","method":"x/echo","params":{"name":7,"requestId":[],"_meta":{"progressToken":987654}}}"#;
    let echo = post(odd).answer().1;
    assert!(echo["result"]["params"]["_meta"]["progressToken"].is_number(), "{echo}");
    let received = proxy.post(&BOB, &call(1, "received", &json!({}))).answer().1;
    assert!(!text(&received).contains("987654"), "{received}");
}

/// The same of clients without a handshake.
#[test]
fn a_client_without_a_handshake_brings_no_id_of_the_proxy_to_a_shared_process() {
    for mode in ["--legacy", "--dual"] {
        let proxy = era(mode, "shared");
        let bob = modern(&proxy, "github:2");
        bob.pid();
        for (method, params) in [
            ("notifications/cancelled", json!({"requestId": 987_654})),
            ("notifications/progress", json!({"progressToken": 987_654, "progress": 1})),
            ("x/tell", json!({"_meta": {"progressToken": 987_654}})),
            ("x/tell", json!({"told": true})),
        ] {
            let mut body = bob.request("n", method, &params);
            body.as_object_mut().unwrap().remove("id");
            assert_eq!(bob.send(&body, &[]).status, 202, "{mode}, {method}");
        }
        let received = bob.call("received", &json!({}));
        assert!(text(&received).contains("told"), "{mode}: {received}");
        assert!(!text(&received).contains("987654"), "{mode}: {received}");
    }
}

/// What a shared process says unasked may be about anybody.
#[test]
fn a_shared_process_logs_to_nobody() {
    for isolation in ISOLATIONS {
        let proxy = faulty(isolation);
        let (alice, bob) = (session(&proxy, &ALICE), session(&proxy, &BOB));
        let mut streams = [alice.get(&[]), bob.get(&[])];
        for method in ["notifications/message", "notifications/x", "notifications/tasks/status"] {
            let (before, _) = bob.post(&call(1, "notify", &json!({"method": method}))).answer();
            assert_eq!(
                before.is_empty(),
                isolation == "shared",
                "{isolation}, {method}: {before:?}"
            );
        }
        for session in [&alice, &bob] {
            session.call("notify", &json!({"method": "notifications/tools/list_changed"}));
        }
        for stream in &mut streams {
            let heard = stream.event().unwrap().data;
            assert!(heard.contains("list_changed"), "{isolation}: {heard}");
        }
    }
    for mode in ["--legacy", "--dual"] {
        for isolation in ISOLATIONS {
            let proxy = era(mode, isolation);
            let params = json!({"name": "log", "_meta": {format!("{META}/logLevel"): "debug"}});
            let (before, _) = modern(&proxy, "github:1").ask("tools/call", &params).answer();
            assert_eq!(before.is_empty(), isolation == "shared", "{mode}, {isolation}: {before:?}");
        }
    }
    for isolation in ISOLATIONS {
        let proxy = era("--legacy", isolation);
        let unknown = json!({"method": "notifications/x", "params": {}});
        let params = json!({"name": "change", "arguments": unknown});
        let (before, _) = modern(&proxy, "github:1").ask("tools/call", &params).answer();
        assert_eq!(before.is_empty(), isolation == "shared", "{isolation}: {before:?}");
    }
}

/// Tasks are kept for the one who made them, and a level is one for the process.
#[test]
fn a_shared_process_offers_no_tasks_and_no_log_level() {
    for (isolation, mode) in ISOLATIONS.map(|one| [(one, "--legacy"), (one, "--modern")]).concat() {
        let (proxy, shared) = (era(mode, isolation), isolation == "shared");
        let opened = proxy.post(&ALICE, &crate::support::initialize("2025-11-25", &json!({})));
        let offered = opened.json()["result"]["capabilities"].clone();
        let native = mode == "--legacy" && !shared;
        assert_eq!(offered.get("tasks").is_some(), native, "{mode}, {isolation}: {offered}");
        assert_eq!(offered.get("logging").is_some(), !shared, "{mode}, {isolation}: {offered}");
        assert!(offered["extensions"].get(format!("{META}/tasks")).is_none(), "{offered}");
        let alice = session(&proxy, &ALICE);
        for method in TASKS.iter().chain(&["logging/setLevel"]).filter(|_| shared) {
            let answer = alice.post(&request(method, &json!({"taskId": "t", "level": "info"})));
            assert_eq!(code(&answer.json()), -32601, "{mode}, {method}");
        }
        let made = json!({"name": "params", "task": {"ttl": 1}, "requestState": "s",
            "_meta": {format!("{META}/related-task"): {"taskId": "t"}, "k": 1}});
        let seen = alice.post(&request("tools/call", &made)).answer().1;
        let seen: Value = serde_json::from_str(text(&seen)).unwrap();
        for name in ["task", "requestState"] {
            assert_eq!(seen.get(name).is_none(), shared, "{mode}, {isolation}: {seen}");
        }
        let related = seen["_meta"].get(format!("{META}/related-task"));
        assert_eq!(related.is_none(), shared, "{mode}, {isolation}: {seen}");
        assert_eq!(seen["_meta"]["k"], 1);
        let all = text(&alice.call("received", &json!({}))).to_owned();
        assert!(!all.contains("tasks/") && !all.contains("setLevel"), "{mode}: {all}");
    }
}

/// The same for clients of 2026-07-28, whose tasks are an extension.
#[test]
fn a_shared_process_offers_no_tasks_to_clients_without_a_handshake() {
    for (isolation, mode) in ISOLATIONS.map(|one| [(one, "--legacy"), (one, "--dual")]).concat() {
        let proxy = era(mode, isolation);
        let declared = json!({"extensions": {format!("{META}/tasks"): {}, "com.example/x": {}}});
        let alice = Modern { user: Some("github:1"), ..proxy.modern(declared) };
        let offered = alice.ask("server/discover", &json!({})).json();
        let offered = &offered["result"]["capabilities"];
        let native = mode == "--dual" && isolation != "shared";
        let extension = offered["extensions"].get(format!("{META}/tasks"));
        assert_eq!(extension.is_some(), native, "{mode}, {isolation}: {offered}");
        assert!(offered.get("tasks").is_none(), "{mode}, {isolation}: {offered}");
        for method in TASKS {
            let answer = alice.ask(method, &json!({"taskId": "t"}));
            assert_eq!((answer.status, code(&answer.json())), (404, -32601), "{mode}, {method}");
        }
        let made = json!({"name": "params", "task": {"ttl": 1}});
        let seen = alice.ask("tools/call", &made).answer().1;
        let seen: Value = serde_json::from_str(text(&seen)).unwrap();
        assert_eq!(seen.get("task").is_some(), native, "{mode}, {isolation}: {seen}");
        if mode == "--dual" {
            let extensions = &seen["_meta"][format!("{META}/clientCapabilities")]["extensions"];
            let extension = extensions.get(format!("{META}/tasks"));
            assert_eq!(extension.is_some(), native, "{isolation}: {seen}");
            assert!(extensions.get("com.example/x").is_some(), "{seen}");
            let reached = !alice.received("tasks/get").is_empty();
            assert_eq!(reached, native, "{isolation}");
        }
    }
}

/// A resource is told to those who have subscribed to it, and nobody unsubscribes another.
#[test]
fn a_shared_process_tells_each_user_of_their_own_resources() {
    for mode in ["--legacy", "--modern"] {
        let proxy = era(mode, "shared");
        let (alice, bob) = (session(&proxy, &ALICE), session(&proxy, &BOB));
        let subscribe = |session: &Session<'_>, method: &str, uri: &str| {
            let answer = session.post(&request(method, &json!({"uri": uri}))).answer().1;
            assert_eq!(answer["result"], json!({}), "{mode}, {method}: {answer}");
        };
        subscribe(&alice, "resources/subscribe", "file:///a");
        subscribe(&bob, "resources/subscribe", "file:///a");
        subscribe(&bob, "resources/subscribe", "file:///b");
        subscribe(&bob, "resources/unsubscribe", "file:///a");
        let mut streams = [alice.get(&[]), bob.get(&[])];
        for uri in ["file:///a", "file:///a/part", "file:///ab", "file:///c", "file:///b"] {
            bob.call("change", &change(uri));
        }
        let mut heard = streams.each_mut().map(|stream| stream.event().unwrap().json());
        assert_eq!(heard[0]["params"]["uri"], "file:///a", "{mode}: {heard:?}");
        assert_eq!(heard[1]["params"]["uri"], "file:///b", "{mode}: {heard:?}");
        heard[0] = streams[0].event().unwrap().json();
        assert_eq!(heard[0]["params"]["uri"], "file:///a/part", "{mode}: {heard:?}");
        if mode == "--legacy" {
            let left = text(&alice.call("resources", &json!({}))).to_owned();
            assert!(left.split(' ').any(|uri| uri == "file:///a"), "alice's, still: {left}");
            subscribe(&alice, "resources/unsubscribe", "file:///a");
            let left = text(&alice.call("resources", &json!({}))).to_owned();
            assert!(!left.contains("file:///a") && left.contains("file:///b"), "{left}");
        }
    }
}

/// `subscriptions/listen`: of tasks nobody hears in a shared process, of resources those who asked.
#[test]
fn a_shared_process_is_not_listened_to_about_tasks() {
    for mode in ["--legacy", "--dual"] {
        let proxy = era(mode, "shared");
        let [alice, bob] = ["github:1", "github:2"].map(|user| modern(&proxy, user));
        let listen = |client: &Modern<'_>, uri: &str| {
            let filter = json!({"resourceSubscriptions": [uri], "taskIds": ["t"]});
            client.ask("subscriptions/listen", &json!({"notifications": filter}))
        };
        let mut streams = [listen(&alice, "file:///a"), listen(&bob, "file:///b")];
        for stream in &mut streams {
            let acknowledged = stream.event().unwrap().data;
            assert!(!acknowledged.contains("taskIds"), "{mode}: {acknowledged}");
        }
        if mode == "--legacy" {
            alice.call("change", &change("file:///b"));
            alice.call("change", &change("file:///a"));
            let [alice, bob] = streams.each_mut().map(|stream| stream.event().unwrap().data);
            assert!(alice.contains("file:///a") && bob.contains("file:///b"), "{alice} {bob}");
        } else {
            let all = bob.received("subscriptions/listen");
            assert_eq!(all.len(), 2);
            assert!(all.iter().all(|one| one["params"]["notifications"].get("taskIds").is_none()));
        }
    }
}

/// What a process wrote before its end may be about anybody, too.
#[test]
fn the_last_words_of_a_shared_process_are_for_the_operator() {
    for isolation in ISOLATIONS {
        let proxy = Proxy::start(&["--isolation", isolation, "--explain-failures"]);
        let answer = session(&proxy, &ALICE).call("die", &json!({}));
        let told = answer["error"]["message"].as_str().unwrap().contains("last words");
        assert_eq!(told, isolation != "shared", "{answer}");
    }
}
