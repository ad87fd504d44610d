//! A message for a client waits for whichever way to that client opens first.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Response;
use crate::support::{Modern, Proxy, SERVER, Session, call, eventually, initialize, text};

const STATELESS: &str = env!("CARGO_BIN_EXE_stateless-stdio-server");

/// A server that asks for the roots of its client on `initialized`.
fn asks_at_start(options: &[&str]) -> Proxy {
    Proxy::with_command(options, &[SERVER, "--ask-at-start"])
}

fn with_roots(proxy: &Proxy) -> Session<'_> {
    proxy.session_of(&[], "2025-11-25", &json!({"roots": {}}))
}

fn received(session: &Session<'_>) -> Vec<Value> {
    serde_json::from_str(text(&session.call("received", &json!({})))).unwrap()
}

fn methods(session: &Session<'_>) -> Vec<String> {
    received(session).iter().map(|one| one["method"].as_str().unwrap().to_owned()).collect()
}

fn answer(session: &Session<'_>, request: &Value) {
    let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": {"roots": []}});
    assert_eq!(session.post(&answer).status, 202);
}

fn next(stream: &mut Response) -> Value {
    stream.event().unwrap().json()
}

/// Lets the server say something after the call in which it is told to.
fn later(session: &Session<'_>, line: &str) {
    let arguments = json!({"ms": 50, "raw": format!("{line}\n")});
    assert_eq!(text(&session.call("later", &arguments)), "done");
    thread::sleep(Duration::from_millis(500));
}

/// Waits until the question is there, which is asked when nobody is connected.
fn settle(proxy: &Proxy) {
    eventually("the server runs", || proxy.state()["pids"].as_array().map(Vec::len) == Some(1));
    thread::sleep(Duration::from_millis(500));
}

#[test]
fn p4_a_question_asked_on_initialized_comes_with_the_next_post() {
    let proxy = asks_at_start(&[]);
    let session = with_roots(&proxy);
    settle(&proxy);
    let mut stream = session.post(&call(1, "pid", &json!({})));
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    let request = next(&mut stream);
    assert_eq!(request["method"], "roots/list");
    answer(&session, &request);
    assert!(text(&next(&mut stream)).parse::<u32>().is_ok());
    assert!(stream.event().is_none());
    // The call came after the answer, as over stdio.
    let methods = methods(&session);
    let place = |method: &str| methods.iter().position(|one| one == method).unwrap();
    assert!(place("(answer)") < place("tools/call"), "{methods:?}");
    // Nothing is asked twice.
    assert_eq!(
        session.post(&call(1, "pid", &json!({}))).header("content-type"),
        Some("application/json")
    );
}

#[test]
fn p4_a_client_that_does_not_answer_gets_its_answer_all_the_same() {
    let proxy = asks_at_start(&[]);
    let session = with_roots(&proxy);
    settle(&proxy);
    let (before, answer) = session.post(&call(1, "pid", &json!({}))).answer();
    assert_eq!(before.len(), 1, "{before:?}");
    assert!(text(&answer).parse::<u32>().is_ok());
}

#[test]
fn p4_a_question_waits_for_a_get_stream_as_well() {
    let proxy = asks_at_start(&[]);
    let session = with_roots(&proxy);
    settle(&proxy);
    let mut stream = session.get(&[]);
    let request = next(&mut stream);
    assert_eq!(request["method"], "roots/list");
    answer(&session, &request);
    let (before, _) = session.post(&call(1, "pid", &json!({}))).answer();
    assert!(before.is_empty(), "{before:?}");
    eventually("the server has the answer", || methods(&session).contains(&"(answer)".to_owned()));
}

#[test]
fn p4_a_batch_brings_what_waits() {
    let proxy = asks_at_start(&[]);
    let session = proxy.session_of(&[], "2025-03-26", &json!({"roots": {}}));
    settle(&proxy);
    let batch = json!([call(1, "pid", &json!({})), call(2, "pid", &json!({}))]);
    let (before, _) = session.post(&batch).answer();
    assert_eq!(before[0]["method"], "roots/list", "{before:?}");
}

#[test]
fn p4_notifications_wait_for_the_next_post_in_their_order() {
    for server in [&[SERVER][..], &[STATELESS]] {
        let proxy = Proxy::with_command(&[], server);
        let session = proxy.session();
        session.pid();
        let lines: Vec<_> = (0..3)
            .map(|n| {
                format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"n":{n}}}}}"#
                )
            })
            .collect();
        later(&session, &lines.join("\n"));
        let (before, answer) = session.post(&call(1, "pid", &json!({}))).answer();
        assert!(text(&answer).parse::<u32>().is_ok());
        let told: Vec<_> = before.iter().map(|one| one["params"]["n"].clone()).collect();
        assert_eq!(told, [0, 1, 2], "{server:?}");
        let (before, _) = session.post(&call(1, "pid", &json!({}))).answer();
        assert!(before.is_empty(), "{before:?}");
    }
}

/// What waits is bounded, and the newest counts.
#[test]
fn p4_of_very_many_notifications_the_newest_wait() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    session.pid();
    let lines: Vec<_> = (0..1000)
        .map(|n| {
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"n":{n}}}}}"#)
        })
        .collect();
    later(&session, &lines.join("\n"));
    let (before, _) = session.post(&call(1, "pid", &json!({}))).answer();
    assert!((1..=64).contains(&before.len()), "{}", before.len());
    assert_eq!(before.last().unwrap()["params"]["n"], 999);
}

/// A request that is refused brings nothing, and loses nothing.
#[test]
fn p4_a_refused_post_loses_nothing() {
    let file = std::env::temp_dir().join(format!("p4-{}.json", std::process::id()));
    let config = json!({"mcpServers": {"server": {"command": SERVER, "args": ["--ask-at-start"],
        "tools": ["pid", "later"]}}});
    std::fs::write(&file, config.to_string()).unwrap();
    let proxy = Proxy::with(&["--config", file.to_str().unwrap()], &[]);
    let post =
        |id: &str, body: &Value| proxy.post_to("/server/mcp", &[("Mcp-Session-Id", id)], body);
    let opened =
        proxy.post_to("/server/mcp", &[], &initialize("2025-11-25", &json!({"roots": {}})));
    let id = opened.header("mcp-session-id").unwrap().to_owned();
    drop(opened);
    post(&id, &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    thread::sleep(Duration::from_millis(800));
    let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"n":1}}"#;
    let asked =
        post(&id, &call(1, "later", &json!({"ms": 50, "raw": format!("{note}\n")}))).answer().0;
    assert_eq!(asked[0]["method"], "roots/list");
    thread::sleep(Duration::from_millis(500));
    let refused = post(&id, &call(1, "secret_c", &json!({}))).json();
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let (before, _) = post(&id, &call(1, "pid", &json!({}))).answer();
    assert_eq!(before[0]["params"]["n"], 1, "{before:?}");
    std::fs::remove_file(file).unwrap();
}

/// What comes for a call whose client has hung up waits for the next way, not for that client to resume.
#[test]
fn p4_what_is_asked_after_the_client_has_hung_up_waits_for_its_next_post() {
    let proxy = Proxy::start(&[]);
    let session = with_roots(&proxy);
    session.pid();
    let question = r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#;
    later(&session, "");
    let hanging = json!({"ms": 300, "raw": format!("{question}\n")});
    let body = call(7, "hang", &json!({})).to_string();
    let mut tcp = std::net::TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {}\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: {}\r\n\r\n{body}",
        session.id,
        body.len(),
    );
    std::io::Write::write_all(&mut tcp, head.as_bytes()).unwrap();
    eventually("it is in flight", || proxy.state()["calls"] == 1);
    drop(tcp);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(text(&session.call("later", &hanging)), "done");
    thread::sleep(Duration::from_millis(900));
    let mut stream = session.post(&call(1, "pid", &json!({})));
    let request = next(&mut stream);
    assert_eq!(request["method"], "roots/list", "{request}");
    answer(&session, &request);
    assert!(text(&next(&mut stream)).parse::<u32>().is_ok());
}

#[test]
fn p4_what_the_server_takes_back_is_not_asked() {
    let proxy = Proxy::start(&[]);
    let session = with_roots(&proxy);
    session.pid();
    let lines = [
        r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q"}}"#,
    ];
    later(&session, &lines.join("\n"));
    let (before, _) = session.post(&call(1, "pid", &json!({}))).answer();
    assert!(before.is_empty(), "{before:?}");
}

#[test]
fn p4_what_nobody_was_asked_in_time_is_answered_with_an_error_and_not_asked_later() {
    let proxy = asks_at_start(&["--request-timeout", "1"]);
    let session = with_roots(&proxy);
    settle(&proxy);
    eventually("it is given up", || {
        thread::sleep(Duration::from_millis(2500));
        let (before, answer) = session.post(&call(1, "received", &json!({}))).answer();
        assert!(before.is_empty(), "{before:?}");
        text(&answer).contains("(answer)")
    });
}

/// Of the sessions of a user, one is asked, once.
#[test]
fn p4_of_two_sessions_of_a_user_one_is_asked() {
    let proxy = asks_at_start(&[]);
    let user = [("X-User-Id", "a")];
    let sessions = [0; 2].map(|_| proxy.session_of(&user, "2025-11-25", &json!({"roots": {}})));
    settle(&proxy);
    let asked: Vec<_> = sessions
        .iter()
        .map(|session| session.post(&call(1, "pid", &json!({}))).answer().0.len())
        .collect();
    assert_eq!(asked.iter().sum::<usize>(), 1, "{asked:?}");
}

#[test]
fn p4_questions_that_wait_are_bounded() {
    let proxy = Proxy::start(&[]);
    let session = with_roots(&proxy);
    session.pid();
    let lines: Vec<_> = (0..300)
        .map(|n| format!(r#"{{"jsonrpc":"2.0","id":"q{n}","method":"roots/list"}}"#))
        .collect();
    later(&session, &lines.join("\n"));
    let (before, _) = session.post(&call(1, "pid", &json!({}))).answer();
    assert_eq!(before.len(), 256);
    let refused = methods(&session).iter().filter(|one| *one == "(answer)").count();
    assert_eq!(refused, 44, "the server is told of those that do not fit");
}

/// A client of 2026-07-28 is asked in the answer to its next request that may be one.
#[test]
fn p4_a_modern_client_is_asked_in_its_next_call() {
    let proxy = asks_at_start(&[]);
    let client: Modern<'_> = proxy.modern(json!({"roots": {}}));
    assert_eq!(client.ask("tools/list", &json!({})).status, 200);
    settle(&proxy);
    let params = json!({"name": "received", "arguments": {}});
    let first = client.ask("tools/call", &params).answer().1["result"].clone();
    assert_eq!(first["resultType"], "input_required", "{first}");
    let asked = first["inputRequests"].as_object().unwrap();
    let (key, question) = asked.iter().next().unwrap();
    assert_eq!((asked.len(), &question["method"]), (1, &json!("roots/list")));
    let mut again = params.clone();
    again["requestState"] = first["requestState"].clone();
    again["inputResponses"] = json!({key: {"roots": []}});
    again["_meta"] = json!({"progressToken": "p"});
    let done = client.ask("tools/call", &again).answer().1;
    assert_eq!(done["result"]["resultType"], "complete", "{done}");
    let received: Vec<Value> = serde_json::from_str(text(&done)).unwrap();
    let methods: Vec<_> = received.iter().map(|one| one["method"].as_str().unwrap()).collect();
    let calls: Vec<_> = received.iter().filter(|one| one["method"] == "tools/call").collect();
    assert_eq!(calls.len(), 1, "the call was made once: {methods:?}");
    assert_eq!(methods.last(), Some(&"tools/call"), "after the answer: {methods:?}");
    assert!(methods.contains(&"(answer)"), "{methods:?}");
    let meta = &calls[0]["params"]["_meta"];
    assert!(meta["progressToken"].is_u64() && meta.as_object().unwrap().len() == 1, "{meta}");
    assert!(calls[0]["params"].get("requestState").is_none(), "{calls:?}");
    assert!(text(&client.call("received", &json!({}))).contains("(answer)"));
}

/// One that cannot answer is not asked, and the server hears so at once.
#[test]
fn p4_a_modern_client_without_roots_is_not_asked() {
    let proxy = asks_at_start(&[]);
    let client = proxy.modern(json!({}));
    client.ask("tools/list", &json!({}));
    settle(&proxy);
    let answer = client.call("received", &json!({}));
    assert!(text(&answer).contains("(answer)"), "{answer}");
}

/// A modern client that never comes back leaves nothing behind.
#[test]
fn p4_a_question_that_no_modern_client_takes_is_given_up() {
    let proxy = asks_at_start(&["--request-timeout", "1"]);
    let client = proxy.modern(json!({"roots": {}}));
    client.ask("tools/list", &json!({}));
    settle(&proxy);
    thread::sleep(Duration::from_millis(3500));
    let answer = client.call("received", &json!({}));
    assert!(text(&answer).contains("(answer)"), "{answer}");
}
