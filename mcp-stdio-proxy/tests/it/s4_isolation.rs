//! What one user tries on another: to read, list, cancel, resume or answer what is the other's, in every
//! isolation and era.

use std::thread;

use serde_json::{Value, json};

use crate::client::{Response, send};
use crate::support::{Modern, Proxy, Session, call, eventually, text};

const ALICE: [(&str, &str); 1] = [("X-User-Id", "github:1")];
const BOB: [(&str, &str); 1] = [("X-User-Id", "github:2")];
const ISOLATIONS: [&str; 3] = ["shared", "principal", "session"];
const META: &str = "io.modelcontextprotocol";

fn faulty(isolation: &str) -> Proxy {
    Proxy::start(&["--isolation", isolation, "--stream-after", "0.01"])
}

fn era(mode: &str, isolation: &str) -> Proxy {
    Proxy::of_era(mode, &["--isolation", isolation])
}

fn session<'a>(proxy: &'a Proxy, user: &[(&str, &str)]) -> Session<'a> {
    proxy.session_of(user, "2025-11-25", &json!({}))
}

fn modern<'a>(proxy: &'a Proxy, user: &'a str) -> Modern<'a> {
    Modern { user: Some(user), ..proxy.modern(json!({})) }
}

fn request(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": "r", "method": method, "params": params})
}

fn notification(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

/// The headers of each way to be a client with a handshake: with a session, and without if that is served.
fn ways(proxy: &Proxy, isolation: &str, user: &[(&str, &str)]) -> Vec<Vec<(String, String)>> {
    let owned = |headers: &[(&str, &str)]| {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let session = session(proxy, user);
    let mut ways = vec![owned(&session.headers())];
    if isolation != "session" {
        ways.push(owned(user));
    }
    ways
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// Resumption: an event id is no way to another's stream, and none can be guessed.
#[test]
fn no_user_resumes_the_stream_of_another() {
    for isolation in ISOLATIONS {
        let proxy = faulty(isolation);
        let slow = call(1, "sleep", &json!({"ms": 200, "say": "for alice alone"}));
        for alice in ways(&proxy, isolation, &ALICE) {
            let mut stream = proxy.post(&borrowed(&alice), &slow);
            let event = stream.event().unwrap();
            assert!(event.data.contains("for alice alone"), "{}", event.data);
            let (name, number) = event.id.rsplit_once('-').unwrap();
            assert!(name.len() >= 32 && number == "1", "{}", event.id);
            let before = format!("{name}-0");
            let mut again =
                proxy.get(&[&borrowed(&alice)[..], &[("Last-Event-ID", &before)]].concat());
            assert!(again.event().unwrap().data.contains("for alice alone"), "it is hers");
            for bob in ways(&proxy, isolation, &BOB) {
                let bob = borrowed(&bob);
                for tried in [before.as_str(), &event.id, "1-0", "2-0", "14-0"] {
                    let mut theft = proxy.get(&[&bob[..], &[("Last-Event-ID", tried)]].concat());
                    assert_eq!(theft.status, 200);
                    let change = json!({"method": "notifications/tools/list_changed"});
                    proxy.post(&bob, &call(2, "notify", &change)).answer();
                    let heard = theft.event().unwrap().data;
                    assert!(heard.contains("list_changed"), "{isolation}, {tried}: {heard}");
                }
            }
        }
        let anonymous = proxy.get(&[("Last-Event-ID", "1-0")]);
        assert_eq!(anonymous.status, if isolation == "shared" { 200 } else { 400 });
    }
}

/// Cancellation: ids of clients are equal all the time.
#[test]
fn no_user_cancels_the_call_of_another() {
    for isolation in ISOLATIONS {
        let proxy = faulty(isolation);
        for alice in ways(&proxy, isolation, &ALICE) {
            for bob in ways(&proxy, isolation, &BOB) {
                let slow = call(1, "sleep", &json!({"ms": 700, "say": "done"}));
                thread::scope(|scope| {
                    let running = scope.spawn(|| proxy.post(&borrowed(&alice), &slow).answer().1);
                    eventually("it is in flight", || proxy.state()["calls"] == 1);
                    for id in [json!(1), json!("1"), json!(2), json!(3)] {
                        let cancel =
                            notification("notifications/cancelled", &json!({"requestId": id}));
                        assert_eq!(proxy.post(&borrowed(&bob), &cancel).status, 202);
                    }
                    assert_eq!(text(&running.join().unwrap()), "done", "{isolation}");
                });
            }
        }
    }
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

/// Sessions, with every method.
#[test]
fn no_user_has_the_session_of_another() {
    for isolation in ISOLATIONS {
        let proxy = faulty(isolation);
        let alice = session(&proxy, &ALICE);
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        for thief in [&BOB[..], &[], &[("X-User-Id", "")]] {
            let headers = [thief, &[("Mcp-Session-Id", alice.id.as_str())]].concat();
            assert_eq!(proxy.post(&headers, &ping).status, 404, "{isolation}");
            assert_eq!(proxy.get(&headers).status, 404, "{isolation}");
            assert_eq!(
                send(proxy.port, "DELETE", "/mcp", &headers, b"").status,
                404,
                "{isolation}"
            );
        }
        assert_eq!(alice.post(&ping).status, 200);
    }
}

/// What a server asks one user is answered by nobody else. A shared process asks nobody.
#[test]
fn no_user_answers_what_another_is_asked() {
    for isolation in ISOLATIONS {
        let proxy = faulty(isolation);
        for alice in ways(&proxy, isolation, &ALICE) {
            let ask = call(1, "ask", &json!({"method": "roots/list"}));
            let mut stream = proxy.post(&borrowed(&alice), &ask);
            if isolation == "shared" {
                let (before, said) = stream.answer();
                assert!(before.is_empty() && said["result"].is_object(), "{before:?}, {said}");
                continue;
            }
            let id = stream.event().unwrap().json()["id"].as_u64().unwrap();
            for bob in ways(&proxy, isolation, &BOB) {
                for id in [json!(id), json!(id.to_string()), json!("q1")] {
                    let forged = json!({"jsonrpc": "2.0", "id": id, "result": {"roots": "forged"}});
                    assert_eq!(proxy.post(&borrowed(&bob), &forged).status, 202);
                }
            }
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"roots": []}});
            assert_eq!(proxy.post(&borrowed(&alice), &answer).status, 202);
            let said = stream.event().unwrap().json();
            assert_eq!(text(&said), json!({"roots": []}).to_string(), "{isolation}");
        }
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
}

/// A level is one for the process: none of its users sets it.
#[test]
fn a_shared_process_offers_no_tasks_and_no_log_level() {
    let tasks = ["tasks/list", "tasks/get", "tasks/result", "tasks/cancel", "tasks/update"];
    for isolation in ISOLATIONS {
        let shared = isolation == "shared";
        for mode in ["--legacy", "--modern"] {
            let proxy = era(mode, isolation);
            let opened = proxy.post(&ALICE, &crate::support::initialize("2025-11-25", &json!({})));
            let offered = opened.json()["result"]["capabilities"].clone();
            let native = mode == "--legacy" && !shared;
            assert_eq!(offered.get("tasks").is_some(), native, "{mode}, {isolation}: {offered}");
            assert_eq!(offered.get("logging").is_some(), !shared, "{mode}, {isolation}: {offered}");
            let extensions = &offered["extensions"];
            assert!(extensions.get(format!("{META}/tasks")).is_none(), "{offered}");
            let alice = session(&proxy, &ALICE);
            for method in tasks.iter().chain(&["logging/setLevel"]).filter(|_| shared) {
                let answer = alice.post(&request(method, &json!({"taskId": "t", "level": "info"})));
                assert_eq!(code(&answer.json()), -32601, "{mode}, {method}");
            }
            let made = json!({"name": "params", "task": {"ttl": 1}, "requestState": "s",
                "_meta": {format!("{META}/related-task"): {"taskId": "t"}, "k": 1}});
            let seen = alice.post(&request("tools/call", &made)).answer().1;
            let seen: Value = serde_json::from_str(text(&seen)).unwrap();
            assert_eq!(seen.get("task").is_none(), shared, "{mode}, {isolation}: {seen}");
            assert_eq!(seen.get("requestState").is_none(), shared, "{mode}, {isolation}: {seen}");
            let related = seen["_meta"].get(format!("{META}/related-task"));
            assert_eq!(related.is_none(), shared, "{mode}, {isolation}: {seen}");
            assert_eq!(seen["_meta"]["k"], 1);
            let all = text(&alice.call("received", &json!({}))).to_owned();
            assert!(!all.contains("tasks/") && !all.contains("setLevel"), "{mode}: {all}");
        }
        for mode in ["--legacy", "--dual"] {
            let proxy = era(mode, isolation);
            let declared =
                json!({"extensions": {format!("{META}/tasks"): {}, "com.example/x": {}}});
            let alice = Modern { user: Some("github:1"), ..proxy.modern(declared) };
            let offered = alice.ask("server/discover", &json!({})).json();
            let offered = &offered["result"]["capabilities"];
            let native = mode == "--dual" && !shared;
            let extension = offered["extensions"].get(format!("{META}/tasks"));
            assert_eq!(extension.is_some(), native, "{mode}, {isolation}: {offered}");
            assert!(offered.get("tasks").is_none(), "{mode}, {isolation}: {offered}");
            for method in tasks {
                let answer = alice.ask(method, &json!({"taskId": "t"}));
                assert_eq!(
                    (answer.status, code(&answer.json())),
                    (404, -32601),
                    "{mode}, {method}"
                );
            }
            let made = json!({"name": "params", "task": {"ttl": 1}});
            let seen = alice.ask("tools/call", &made).answer().1;
            let seen: Value = serde_json::from_str(text(&seen)).unwrap();
            assert_eq!(seen.get("task").is_some(), native, "{mode}, {isolation}: {seen}");
            if mode == "--dual" {
                let capabilities = &seen["_meta"][format!("{META}/clientCapabilities")];
                let extension = capabilities["extensions"].get(format!("{META}/tasks"));
                assert_eq!(extension.is_some(), native, "{isolation}: {seen}");
                assert!(capabilities["extensions"].get("com.example/x").is_some(), "{seen}");
            }
        }
    }
}

/// A state of the server is good for the user who was given it.
#[test]
fn no_user_brings_back_the_state_of_another() {
    for isolation in ISOLATIONS {
        let shared = isolation == "shared";
        let proxy = era("--dual", isolation);
        let [alice, bob] = ["github:1", "github:2"].map(|user| modern(&proxy, user));
        let question = json!({"method": "elicitation/create", "params": {"message": "Who?"}});
        let params = json!({"name": "ask", "arguments": {"questions": [question]}});
        let asked = alice.ask("tools/call", &params).answer().1;
        let state = asked["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{asked}"));
        assert_eq!(state == "its own", !shared, "{isolation}: {state}");
        let retry = |client: &Modern<'_>, state: &str| -> Response {
            let mut params = params.clone();
            params["requestState"] = state.into();
            params["inputResponses"] = json!({"q": {"action": "decline"}});
            client.ask("tools/call", &params)
        };
        if shared {
            for (client, state) in
                [(&bob, state), (&bob, "its own"), (&alice, "its own"), (&bob, "")]
            {
                assert_eq!(code(&retry(client, state).json()), -32602, "{state}");
            }
        }
        assert_eq!(retry(&alice, state).answer().1["result"]["resultType"], "input_required");
        let seen = alice.received("tools/call");
        let states =
            seen.iter().map(|one| &one["params"]["requestState"]).filter(|one| !one.is_null());
        assert_eq!(states.collect::<Vec<_>>(), ["its own"], "the server gets its own, and once");
    }
}

fn change(uri: &str) -> Value {
    json!({"method": "notifications/resources/updated", "params": {"uri": uri}})
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

/// Each user has a session of their own without an id.
#[test]
fn users_without_session_ids_have_one_each_in_a_shared_process() {
    let proxy = Proxy::start(&["--isolation", "shared"]);
    for user in [&ALICE[..], &BOB, &[], &ALICE] {
        proxy.post(user, &call(1, "pid", &json!({}))).answer();
    }
    assert_eq!(proxy.state()["sessions"], 3);
    assert_eq!(proxy.state()["pids"].as_array().unwrap().len(), 1);
}

/// One that was silent long is forgotten; whoever comes back hears again what is said to all.
#[test]
fn a_session_without_id_is_forgotten_and_made_again() {
    let proxy = Proxy::start(&["--isolation", "shared", "--session-timeout", "0.5"]);
    proxy.post(&ALICE, &call(1, "pid", &json!({}))).answer();
    eventually("it is forgotten", || proxy.state()["sessions"] == 0);
    let mut stream = proxy.get(&ALICE);
    let change = json!({"method": "notifications/prompts/list_changed"});
    proxy.post(&ALICE, &call(1, "notify", &change)).answer();
    assert!(stream.event().unwrap().data.contains("list_changed"));
}
