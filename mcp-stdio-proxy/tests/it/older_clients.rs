//! Clients with a handshake in front of a server that has none (MCP "Compatibility Matrix", legacy client
//! and modern server).

use std::thread;

use serde_json::{Value, json};

use crate::client::Response;
use crate::support::{Proxy, Session, call, eventually, initialize, text};

const SERVER: &str = env!("CARGO_BIN_EXE_stateless-stdio-server");
const META: &str = "io.modelcontextprotocol";

fn proxy() -> Proxy {
    Proxy::with_command(&[], &[SERVER])
}

fn capable(proxy: &Proxy) -> Session<'_> {
    proxy.session_of(&[], "2025-11-25", &json!({"elicitation": {}, "roots": {"listChanged": true}}))
}

/// What the server has received of `method`.
fn received(session: &Session<'_>, method: &str) -> Vec<Value> {
    let all: Vec<Value> =
        serde_json::from_str(text(&session.call("received", &json!({})))).unwrap();
    all.into_iter().filter(|one| one["method"] == method).collect()
}

fn request(method: &str, params: impl Into<Value>) -> Value {
    let params = params.into();
    json!({"jsonrpc": "2.0", "id": "r", "method": method, "params": params})
}

fn elicit(message: &str) -> Value {
    json!({"method": "elicitation/create", "params": {"message": message}})
}

/// The next event of a stream that was opened.
fn next(stream: &mut Response) -> Value {
    stream.event().unwrap().json()
}

fn reply(session: &Session<'_>, request: &Value, result: &Value) {
    let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
    assert_eq!(session.post(&answer).status, 202);
}

fn heard(answer: &Value) -> Value {
    serde_json::from_str(text(answer)).unwrap()
}

#[test]
fn the_handshake_is_answered_from_discovery() {
    let proxy = proxy();
    for (asked, served) in [("2025-06-18", "2025-06-18"), ("2030-01-01", "2025-11-25")] {
        let opened = proxy.post(&[], &initialize(asked, &json!({}))).json();
        assert_eq!(opened["id"], 0);
        let result = &opened["result"];
        assert_eq!(result["protocolVersion"], served);
        assert_eq!(result["serverInfo"], json!({"name": "stateless", "version": "7"}));
        assert_eq!(result["instructions"], "Be brief");
        assert_eq!(result["capabilities"]["tools"]["listChanged"], true);
        assert_eq!(result["x"], json!([1.0]));
        for gone in ["resultType", "supportedVersions", "ttlMs", "cacheScope", "_meta"] {
            assert!(result[gone].is_null(), "{result}");
        }
    }
}

/// "A request missing any required field is malformed".
#[test]
fn each_request_says_what_the_handshake_said_and_what_it_said_itself() {
    let proxy = proxy();
    let session = capable(&proxy);
    let params = json!({"a": 1.5, "_meta": {"com.example/k": "v"}});
    let answer = session.post(&request("example/method", params)).json();
    assert_eq!(answer["id"], "r");
    let mut echo = answer["result"]["echo"].clone();
    let meta = echo["_meta"].take();
    assert_eq!(echo, json!({"a": 1.5, "_meta": null}));
    let want = json!({
        format!("{META}/protocolVersion"): "2026-07-28",
        format!("{META}/clientInfo"): {"name": "test", "version": "1"},
        format!("{META}/clientCapabilities"): {"elicitation": {}, "roots": {}},
        "com.example/k": "v",
    });
    assert_eq!(meta, want);
    // A request may have no parameters; progress comes under the client's token.
    let bare = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    assert_eq!(session.post(&bare).json()["result"]["tools"].as_array().unwrap().len(), 3);
    let mut ask = call(3, "progress", &json!({}));
    ask["params"]["_meta"] = json!({"progressToken": "p"});
    let (before, _) = session.post(&ask).answer();
    assert_eq!(before.len(), 3);
    assert!(before.iter().all(|event| event["params"]["progressToken"] == "p"), "{before:?}");
    assert!(received(&session, "notifications/initialized").is_empty());
}

#[test]
fn what_was_removed_is_answered_by_the_proxy() {
    let proxy = proxy();
    let (session, other) = (capable(&proxy), capable(&proxy));
    assert_eq!(session.post(&request("ping", json!({}))).json()["result"], json!({}));
    let logged = |session: &Session<'_>| {
        session.post(&call(1, "log", &json!({"say": "x"}))).answer().0.len()
    };
    assert_eq!(logged(&session), 0);
    let level = |level: &str| session.post(&request("logging/setLevel", json!({"level": level})));
    assert_eq!(level("loud").json()["error"]["code"], -32602);
    assert_eq!(level("warning").json()["result"], json!({}));
    assert_eq!((logged(&session), logged(&other)), (1, 0));
    let call = received(&session, "tools/call").pop().unwrap();
    assert_eq!(call["params"]["_meta"][format!("{META}/logLevel")], "warning");
    for method in ["ping", "logging/setLevel"] {
        assert!(received(&session, method).is_empty());
    }
    let roots = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
    assert_eq!(session.post(&roots).status, 202);
    assert!(received(&session, "notifications/roots/list_changed").is_empty());
}

#[test]
fn a_result_that_asks_becomes_requests_and_the_answers_a_retry() {
    let proxy = proxy();
    let session = capable(&proxy);
    let ask = json!({"requests": {"who": elicit("Who?"), "where": {"method": "roots/list"}}});
    let mut stream = session.post(&call("c", "ask", &ask));
    let [first, second] = [next(&mut stream), next(&mut stream)];
    let (who, place) =
        if first["method"] == "roots/list" { (second, first) } else { (first, second) };
    assert_eq!(
        (&who["method"], &who["params"]["message"]),
        (&json!("elicitation/create"), &json!("Who?"))
    );
    reply(&session, &place, &json!({"roots": []}));
    reply(&session, &who, &json!({"action": "accept", "content": {"name": "a"}}));
    let answer = next(&mut stream);
    assert_eq!(answer["id"], "c");
    let want =
        json!({"who": {"action": "accept", "content": {"name": "a"}}, "where": {"roots": []}});
    assert_eq!(heard(&answer), json!({"answers": want, "state": null}));
    assert!(stream.event().is_none());
    let ids: Vec<_> =
        received(&session, "tools/call").into_iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids.len(), 3, "the call, its retry, and the question: {ids:?}");
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn rounds_go_on_until_the_server_is_content_and_state_is_brought_back() {
    let proxy = proxy();
    let session = capable(&proxy);
    let ask = json!({"requests": {"who": elicit("Who?")}, "rounds": 3});
    let mut stream = session.post(&call(1, "ask", &ask));
    for round in 1..=3 {
        let request = next(&mut stream);
        reply(&session, &request, &json!({"action": "accept", "content": {"round": round}}));
    }
    let answers = json!({"who": {"action": "accept", "content": {"round": 3}}});
    assert_eq!(heard(&next(&mut stream)), json!({"answers": answers, "state": "round 3"}));
    // With nothing to ask the client, it is asked nothing.
    let (before, answer) = session.post(&call(2, "ask", &json!({"rounds": 2}))).answer();
    assert!(before.is_empty(), "{before:?}");
    assert_eq!(heard(&answer), json!({"answers": null, "state": "round 2"}));
    let endless = session.call("ask", &json!({"rounds": 1000}));
    assert_eq!(endless["error"]["code"], -32603, "{endless}");
}

#[test]
fn an_error_of_the_client_is_the_answer_to_its_call() {
    let proxy = proxy();
    let session = capable(&proxy);
    let mut stream = session.post(&call(1, "ask", &json!({"requests": {"who": elicit("Who?")}})));
    let request = next(&mut stream);
    let error = json!({"code": -1, "message": "the user has gone", "data": [1]});
    let refusal = json!({"jsonrpc": "2.0", "id": request["id"], "error": error});
    assert_eq!(session.post(&refusal).status, 202);
    let answer = next(&mut stream);
    assert_eq!(answer["error"], error);
    assert_eq!(answer["id"], 1);
}

/// "Servers MUST NOT send an `inputRequests` that the client has not declared support for".
#[test]
fn a_client_is_asked_only_what_it_has_declared() {
    let proxy = proxy();
    let sampling = json!({"method": "sampling/createMessage", "params": {}});
    let answer =
        capable(&proxy).call("ask", &json!({"requests": {"a": elicit("?"), "b": sampling}}));
    assert_eq!(answer["error"]["code"], -32603);
    let why = answer["error"]["message"].as_str().unwrap();
    assert!(why.contains("sampling/createMessage"), "{why}");
}

#[test]
fn a_call_that_waits_for_its_client_can_be_cancelled() {
    let proxy = proxy();
    let session = capable(&proxy);
    let mut stream = session.post(&call("c", "ask", &json!({"requests": {"who": elicit("Who?")}})));
    let request = next(&mut stream);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": "c"}});
    assert_eq!(session.post(&cancel).status, 202);
    assert!(stream.event().is_none());
    reply(&session, &request, &json!({"action": "accept"}));
    assert_eq!(received(&session, "tools/call").len(), 2, "the call and this question");
    eventually("nothing stays in flight", || proxy.state()["calls"] == 0);
}

#[test]
fn a_server_that_ends_while_its_client_thinks_is_missed_at_once() {
    let proxy = proxy();
    let session = capable(&proxy);
    let mut stream = session.post(&call(1, "ask", &json!({"requests": {"who": elicit("Who?")}})));
    let request = next(&mut stream);
    assert!(session.call("die", &json!({}))["error"].is_object());
    assert!(next(&mut stream)["error"].is_object());
    reply(&session, &request, &json!({"action": "accept"}));
    assert!(received(&session, "tools/call").len() == 1, "the new process knows nothing of it");
}

/// "Because the protocol is stateless … Active subscriptions/listen streams must also be
/// re-established after restart".
#[test]
fn what_changes_is_told_on_the_sessions_stream_also_after_a_restart() {
    let proxy = proxy();
    let session = capable(&proxy);
    let mut stream = session.get(&[]);
    for _ in 0..2 {
        eventually("the server is listened to", || {
            text(&session.call("change", &json!({}))) == "1"
        });
        let change = next(&mut stream);
        assert_eq!(change["method"], "notifications/tools/list_changed");
        assert_eq!(change["params"]["_meta"], json!({"k": 1}));
        assert!(session.call("die", &json!({}))["error"].is_object());
        session.pid();
    }
}

#[test]
fn a_watched_resource_is_told_of_to_who_watches_it() {
    let proxy = proxy();
    let alice = [("X-User-Id", "a")];
    let sessions = [0; 2].map(|_| proxy.session_of(&alice, "2025-11-25", &json!({})));
    let mut streams = [0, 1].map(|at: usize| sessions[at].get(&[]));
    let watch = |session: &Session<'_>, method: &str, uri: &str| {
        let answer =
            session.post(&request(&format!("resources/{method}"), json!({"uri": uri}))).json();
        assert_eq!(answer["result"], json!({}), "{answer}");
    };
    watch(&sessions[0], "subscribe", "x://a");
    watch(&sessions[1], "subscribe", "x://b");
    for uri in ["x://a", "x://b", "x://c"] {
        sessions[0].call("change", &json!({"uri": uri}));
    }
    for (stream, uri) in streams.iter_mut().zip(["x://a", "x://b"]) {
        let update = next(stream);
        assert_eq!(update["method"], "notifications/resources/updated");
        assert_eq!(update["params"]["uri"], uri);
    }
    watch(&sessions[0], "unsubscribe", "x://a");
    sessions[1].call("change", &json!({"uri": "x://a"}));
    sessions[1].call("change", &json!({}));
    assert_eq!(next(&mut streams[0])["method"], "notifications/tools/list_changed");
    assert_eq!(next(&mut streams[1])["method"], "notifications/tools/list_changed");
}

#[test]
fn a_server_that_cannot_be_listened_to_says_so_to_who_subscribes() {
    let proxy = Proxy::with_command(&[], &[SERVER, "--silent"]);
    let session = capable(&proxy);
    let answer = session.post(&request("resources/subscribe", json!({"uri": "x://a"}))).json();
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    let answer = session.post(&request("resources/subscribe", json!({}))).json();
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert_eq!(text(&session.call("change", &json!({}))), "0");
}

/// 2025-11-25 "Tools": `outputSchema` is of type object, `structuredContent` an object.
#[test]
fn only_objects_are_structured_for_a_client_with_a_handshake() {
    let proxy = proxy();
    let session = capable(&proxy);
    let tools = session.post(&request("tools/list", json!({}))).json()["result"]["tools"].clone();
    let schemas: Vec<_> =
        tools.as_array().unwrap().iter().map(|tool| &tool["outputSchema"]).collect();
    assert_eq!(schemas, [&Value::Null, &json!({"type": "object"}), &Value::Null]);
    let answer = session.call("array", &json!({}));
    assert_eq!(answer["result"]["structuredContent"], json!({"result": [1, 2]}));
}

/// Claude sends no session id back: the user is enough.
#[test]
fn a_user_without_session_is_served_too() {
    let proxy = proxy();
    let user = [("X-User-Id", "a")];
    let answer = proxy.post(&user, &request("tools/list", json!({}))).json();
    assert_eq!(answer["result"]["tools"][0]["name"], "plain", "{answer}");
}

#[test]
fn a_request_that_cannot_carry_an_envelope_is_refused() {
    let proxy = proxy();
    let session = capable(&proxy);
    for params in [json!([1]), json!({"_meta": 7})] {
        let answer = session.post(&request("tools/list", params)).json();
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert_eq!(answer["id"], "r");
    }
}

#[test]
fn clients_that_think_at_the_same_time_are_not_confused() {
    let proxy = proxy();
    let alice = [("X-User-Id", "a")];
    let sessions =
        [0; 4].map(|_| proxy.session_of(&alice, "2025-11-25", &json!({"elicitation": {}})));
    thread::scope(|scope| {
        for (lane, session) in sessions.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..5 {
                    let said = format!("{lane}-{round}");
                    let ask = json!({"requests": {"who": elicit(&said)}});
                    let mut stream = session.post(&call(1, "ask", &ask));
                    let request = next(&mut stream);
                    assert_eq!(request["params"]["message"], said.as_str());
                    reply(session, &request, &json!({"action": "accept", "content": {"a": said}}));
                    let answer = heard(&next(&mut stream));
                    assert_eq!(answer["answers"]["who"]["content"]["a"], said.as_str());
                }
            });
        }
    });
}
