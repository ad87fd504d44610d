//! What one user tries on another: to read, list, cancel, resume or answer what is the other's, in every
//! isolation and era.

use std::thread;

use serde_json::{Value, json};

use crate::client::{Response, send};
use crate::support::{Modern, Proxy, Session, call, eventually, text};

pub(crate) const ALICE: [(&str, &str); 1] = [("X-User-Id", "github:1")];
pub(crate) const BOB: [(&str, &str); 1] = [("X-User-Id", "github:2")];
pub(crate) const ISOLATIONS: [&str; 3] = ["shared", "principal", "session"];
pub(crate) const META: &str = "io.modelcontextprotocol";

pub(crate) fn faulty(isolation: &str) -> Proxy {
    Proxy::start(&["--isolation", isolation, "--stream-after", "0.01"])
}

pub(crate) fn era(mode: &str, isolation: &str) -> Proxy {
    Proxy::of_era(mode, &["--isolation", isolation])
}

pub(crate) fn session<'a>(proxy: &'a Proxy, user: &[(&str, &str)]) -> Session<'a> {
    proxy.session_of(user, "2025-11-25", &json!({}))
}

pub(crate) fn modern<'a>(proxy: &'a Proxy, user: &'a str) -> Modern<'a> {
    Modern { user: Some(user), ..proxy.modern(json!({})) }
}

pub(crate) fn request(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": "r", "method": method, "params": params})
}

fn notification(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

pub(crate) fn code(answer: &Value) -> i64 {
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

/// The same where clients have no handshake, whose answers come with a state.
#[test]
fn no_user_without_a_handshake_answers_what_another_is_asked() {
    for isolation in ISOLATIONS {
        let proxy = era("--legacy", isolation);
        let [alice, bob] = ["github:1", "github:2"]
            .map(|user| Modern { user: Some(user), ..proxy.modern(json!({"elicitation": {}})) });
        let question = json!({"method": "elicitation/create", "params": {"message": "Who?"}});
        let params = json!({"name": "ask", "arguments": {"questions": [question]}});
        let asked = alice.ask("tools/call", &params).answer().1;
        if isolation == "shared" {
            assert_eq!(text(&asked), r#"[{"error":-32603}]"#);
            continue;
        }
        let state = asked["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{asked}"));
        let name = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap();
        let retry = |client: &Modern<'_>, action: &str| -> Response {
            let mut params = params.clone();
            params["requestState"] = state.into();
            params["inputResponses"] = json!({name: {"action": action}});
            client.ask("tools/call", &params)
        };
        assert_eq!(code(&retry(&bob, "cancel").answer_of_any_status()), -32602, "{isolation}");
        let said = retry(&alice, "decline").answer().1;
        assert_eq!(text(&said), r#"[{"action":"decline"}]"#, "{isolation}");
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
