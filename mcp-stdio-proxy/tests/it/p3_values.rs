//! Ids and tokens are compared by value, however a server or a client spells them, and progress restarts the time of
//! a request.

use std::thread;

use serde_json::{Value, json};

use crate::client::{Response, send};
use crate::support::{Modern, Proxy, call, eventually, text};

const STATELESS: &str = env!("CARGO_BIN_EXE_stateless-stdio-server");
/// How a server may write the number `%`.
const NUMBERS: [&str; 7] = ["%", "\"%\"", "%.0", "%e0", "%0E-1", "\"%.0\"", "\" % \""];

/// Sends a body as it is spelt.
fn post(proxy: &Proxy, headers: &[(&str, &str)], body: &str) -> Response {
    let json =
        [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    send(proxy.port, "POST", "/mcp", &[&json, headers].concat(), body.as_bytes())
}

/// What a server writes to make progress in every spelling, and then to answer.
fn progress() -> String {
    let said = NUMBERS.map(|token| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
        )
    });
    said.join("\n") + "\n{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":1}}\n"
}

/// Compares what a client with the token `token` hears.
fn all_in_its_own_spelling(mut stream: Response, token: &str) {
    for spelling in NUMBERS {
        let data = stream.event().unwrap().data;
        assert!(data.contains(&format!("\"progressToken\":{token},")), "{spelling}: {data}");
    }
    assert_eq!(stream.event().unwrap().json()["result"]["ok"], 1);
}

#[test]
fn p3_progress_in_any_spelling_reaches_its_call_in_the_spelling_of_the_client() {
    let legacy = Proxy::start(&[]);
    let modern = Proxy::with_command(&[], &[STATELESS]);
    let eras = ["--legacy", "--modern"].map(|mode| Proxy::of_era(mode, &[]));
    let arguments = json!({"raw": progress()});
    for token in ["\"1\"", "1", "1.0", "10e-1", "\"\\u0061\"", "\"\""] {
        for proxy in [&legacy, &modern] {
            let session = proxy.session();
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"raw","arguments":{arguments},"_meta":{{"progressToken":{token}}}}}}}"#
            );
            all_in_its_own_spelling(post(proxy, &session.headers(), &body), token);
        }
        for proxy in &eras {
            let client = proxy.modern(json!({}));
            let params =
                json!({"name": "raw", "arguments": arguments, "_meta": {"progressToken": "TOKEN"}});
            let body = client.request("m", "tools/call", &params);
            let headers = Modern::headers(&body);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            let body = body.to_string().replace("\"TOKEN\"", token);
            all_in_its_own_spelling(post(proxy, &headers, &body), token);
        }
    }
}

#[test]
fn p3_a_cancellation_names_its_request_in_any_spelling() {
    for (id, spelling, other) in [
        ("\"a\"", "\"\\u0061\"", "\"A\""),
        ("\"\\u0061/b\"", "\"a\\/b\"", "\"a\""),
        ("\"ä\"", "\"\\u00e4\"", "\"a\""),
        ("1", "1.0", "\"1\""),
        ("1e1", "10", "1"),
        ("\"1\"", "\"\\u0031\"", "1"),
    ] {
        let proxy = Proxy::start(&[]);
        let session = proxy.session();
        session.pid();
        thread::scope(|scope| {
            let hanging = scope.spawn(|| {
                let body = format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"hang"}}}}"#
                );
                post(&proxy, &session.headers(), &body).body()
            });
            eventually("it is in flight", || proxy.state()["calls"] == 1);
            for (named, calls) in [(other, 1), (spelling, 0)] {
                let cancel = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{named}}}}}"#
                );
                assert_eq!(post(&proxy, &session.headers(), &cancel).status, 202);
                assert_eq!(proxy.state()["calls"], calls, "{id} by {named}");
            }
            let said = String::from_utf8(hanging.join().unwrap()).unwrap();
            assert!(!said.contains("\"result\"") && !said.contains("\"error\""), "{id}: {said}");
        });
        let received = text(&session.call("received", &json!({}))).to_owned();
        let received: Vec<Value> = serde_json::from_str(&received).unwrap();
        let told: Vec<_> =
            received.iter().filter(|one| one["method"] == "notifications/cancelled").collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0]["params"]["requestId"].is_u64(), "{told:?}");
    }
}

#[test]
fn p3_an_answer_of_a_client_counts_in_any_spelling() {
    for spelling in NUMBERS {
        let proxy = Proxy::start(&[]);
        let session = proxy.session();
        let mut stream = session.post(&call(1, "ask", &json!({"method": "roots/list"})));
        let request = stream.event().unwrap().json();
        let id = spelling.replace('%', &request["id"].to_string());
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#);
        assert_eq!(post(&proxy, &session.headers(), &body).status, 202);
        assert_eq!(text(&stream.event().unwrap().json()), r#"{"roots":[]}"#, "{spelling}");
    }
}

/// A server takes its request back under another spelling of its own id.
#[test]
fn p3_a_server_takes_a_request_back_in_any_spelling() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let lines = [
        r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\u0071"}}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"roots/list"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5.0}}"#,
        r#"{"jsonrpc":"2.0","id":%,"result":{"ok":1}}"#,
    ];
    let (before, _) =
        session.post(&call(1, "raw", &json!({"raw": lines.join("\n") + "\n"}))).answer();
    for pair in before.chunks(2) {
        assert_eq!(pair[1]["params"]["requestId"], pair[0]["id"], "{before:?}");
    }
    assert_eq!(before.len(), 4, "{before:?}");
}

/// The progress token of a listener, which is a number of another call at the server, is replaced like its id.
#[test]
fn p3_progress_of_a_listener_is_none_of_a_call() {
    let proxy = Proxy::of_era("--modern", &[]);
    let client = proxy.modern(json!({}));
    let filter =
        json!({"notifications": {"toolsListChanged": true}, "_meta": {"progressToken": 7}});
    let mut stream = client.ask("subscriptions/listen", &filter);
    assert!(stream.event().is_some());
    let heard = &client.received("subscriptions/listen")[0];
    assert_eq!(heard["params"]["_meta"]["progressToken"], heard["id"]);
}

/// What a server of 2026-07-28 tells a listener, in any spelling of the subscription.
#[test]
fn p3_a_listener_hears_under_its_own_id_however_the_server_spells_it() {
    let proxy = Proxy::of_era("--modern", &[]);
    let client = proxy.modern(json!({}));
    let mut stream =
        client.ask("subscriptions/listen", &json!({"notifications": {"toolsListChanged": true}}));
    assert_eq!(
        stream.event().unwrap().json()["method"],
        "notifications/subscriptions/acknowledged"
    );
    let id = client.received("subscriptions/listen")[0]["id"].to_string();
    for spelling in NUMBERS {
        let tag = spelling.replace('%', &id);
        let line = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{tag}}}}}}}"#
        );
        let answer = r#"{"jsonrpc":"2.0","id":%,"result":{"ok":1}}"#;
        client.call("raw", &json!({"raw": format!("{line}\n{answer}\n")}));
        let told = stream.event().unwrap().json();
        assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "m", "{tag}");
    }
}

/// "MAY choose to reset the timeout clock when receiving a progress notification".
#[test]
fn p3_a_call_that_makes_progress_goes_on() {
    let proxy = Proxy::start(&["--request-timeout", "2"]);
    let session = proxy.session();
    let mut ask = call(1, "progress", &json!({"steps": 20, "ms": 250}));
    ask["params"]["_meta"] = json!({"progressToken": "p"});
    let (before, answer) = session.post(&ask).answer();
    assert_eq!(text(&answer), "done");
    assert_eq!(before.len(), 20);
    let late = session.call("hang", &json!({}));
    assert!(late["error"]["message"].as_str().unwrap().contains("no progress"), "{late}");
}

/// "SHOULD always enforce a maximum timeout, regardless of progress notifications".
#[test]
fn p3_no_call_goes_on_for_longer_than_the_maximum() {
    let proxy = Proxy::start(&["--request-timeout", "1"]);
    let session = proxy.session();
    let mut ask = call(1, "progress", &json!({"steps": 180, "ms": 100}));
    ask["params"]["_meta"] = json!({"progressToken": "p"});
    let (before, answer) = session.post(&ask).answer();
    let why = answer["error"]["message"].as_str().unwrap_or_default();
    assert!(why.contains("did not finish the request within 12 s"), "{answer}");
    assert!(before.len() > 20, "{}", before.len());
}

/// A client that tells of its progress with a request of the server has longer for it.
#[test]
fn p3_a_client_that_makes_progress_goes_on_too() {
    let proxy = Proxy::start(&["--request-timeout", "2"]);
    let session = proxy.session();
    let lines = r#"{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"_meta":{"progressToken":"\u0070"}}}"#;
    let mut stream = session.post(&call(1, "raw", &json!({"raw": format!("{lines}\n")})));
    let request = stream.event().unwrap().json();
    for step in 0..12 {
        thread::sleep(std::time::Duration::from_millis(400));
        let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress",
            "params": {"progressToken": "p", "progress": step}});
        assert_eq!(session.post(&progress).status, 202);
    }
    let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": {"late": true}});
    assert_eq!(session.post(&answer).status, 202);
    let received = || text(&session.call("received", &json!({}))).to_owned();
    eventually("the server has the answer", || received().contains("(answer)"));
    assert!(!proxy.log().contains("a response to no request"));
}
