//! Requests in both directions: nothing crossed, nothing lost.

use std::thread;

use serde_json::{Value, json};

use crate::support::{Proxy, Session, call, eventually, text};

fn received(session: &Session<'_>) -> Vec<Value> {
    serde_json::from_str(text(&session.call("received", &json!({})))).unwrap()
}

fn methods(session: &Session<'_>, method: &str) -> Vec<Value> {
    received(session).into_iter().filter(|one| one["method"] == method).collect()
}

/// How often a tool was called.
fn calls(session: &Session<'_>, tool: &str) -> usize {
    received(session).iter().filter(|one| one["params"]["name"] == tool).count()
}

/// Some clients send the id 1 on every request and have several in flight.
#[test]
fn equal_ids_in_flight_are_answered_each_with_its_own_answer() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    thread::scope(|scope| {
        for lane in 0..16u64 {
            let session = &session;
            scope.spawn(move || {
                for round in 0..5 {
                    let said = format!("{lane}-{round}");
                    let ask = json!({"ms": (lane * 7 + round * 3) % 20, "say": said});
                    let answer = session.call("sleep", &ask);
                    assert_eq!(text(&answer), said);
                    assert_eq!(answer["id"], 1);
                }
            });
        }
    });
}

#[test]
fn progress_comes_on_the_stream_of_its_call_under_its_own_token() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    thread::scope(|scope| {
        for lane in 0..8 {
            let session = &session;
            scope.spawn(move || {
                let said = format!("lane {lane}");
                // The same token in every call, as careless clients do.
                let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                    "name": "progress", "arguments": {"steps": 5, "say": said},
                    "_meta": {"progressToken": "same", "other": [1]}}});
                let (before, answer) = session.post(&ask).answer();
                assert_eq!(text(&answer), "done");
                assert_eq!(before.len(), 5);
                for (step, event) in before.iter().enumerate() {
                    assert_eq!(event["params"]["progress"], step + 1);
                    assert_eq!(event["params"]["progressToken"], "same");
                    assert_eq!(event["params"]["message"], said.as_str());
                }
            });
        }
    });
}

/// Sampling, elicitation and roots: the request reaches the client that is being served, and the
/// answer the server that asked.
#[test]
fn a_request_of_the_server_reaches_the_right_client_and_the_answer_the_right_server() {
    let proxy = Proxy::start(&[]);
    let sessions = [proxy.session(), proxy.session()];
    let mut streams = Vec::new();
    for (at, session) in sessions.iter().enumerate() {
        let ask = json!({"method": format!("sampling/createMessage{at}")});
        let mut stream = session.post(&call(1, "ask", &ask));
        let request = stream.event().unwrap().json();
        assert_eq!(request["method"], format!("sampling/createMessage{at}"));
        streams.push((stream, request["id"].clone()));
    }
    assert_ne!(streams[0].1, streams[1].1, "both servers said q1");
    for (at, session) in sessions.iter().enumerate().rev() {
        let answer = json!({"jsonrpc": "2.0", "id": streams[at].1, "result": {"for": at}});
        // An answer of another session counts for nothing.
        assert_eq!(sessions[1 - at].post(&answer).status, 202);
        assert_eq!(session.post(&answer).status, 202);
        let last = streams[at].0.event().unwrap().json();
        assert_eq!(text(&last), json!({"for": at}).to_string());
    }
}

/// Two sessions of a user share a process; their ids are the same, their answers are not.
#[test]
fn equal_ids_of_two_sessions_of_a_process_are_answered_each_to_its_own() {
    let proxy = Proxy::start(&[]);
    let alice = [("X-User-Id", "a")];
    let sessions = [0; 4].map(|_| proxy.session_of(&alice, "2025-11-25", &json!({})));
    assert_eq!(sessions[0].pid(), sessions[3].pid());
    thread::scope(|scope| {
        for (lane, session) in sessions.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..10 {
                    let said = format!("{lane}-{round}");
                    let ask = json!({"ms": (lane * 5 + round * 3) % 15, "say": said});
                    assert_eq!(text(&session.call("sleep", &ask)), said);
                }
            });
        }
    });
}

/// A ping of the server is answered by the proxy: no client need be there.
#[test]
fn a_ping_of_the_server_is_answered() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let (before, answer) = session.post(&call(1, "ask", &json!({"method": "ping"}))).answer();
    assert!(before.is_empty(), "{before:?}");
    assert_eq!(text(&answer), "{}");
}

/// "notifications/cancelled" of the server: the client learns under which id it knows the request.
#[test]
fn a_request_that_the_server_takes_back_is_taken_back_from_the_client() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let ask = json!({"method": "sampling/createMessage", "cancel": true});
    let mut stream = session.post(&call(1, "ask", &ask));
    let request = stream.event().unwrap().json();
    let cancelled = stream.event().unwrap().json();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], request["id"]);
    assert_eq!(cancelled["params"]["reason"], "too late");
    // An answer that comes nevertheless reaches nobody.
    let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": {}});
    assert_eq!(session.post(&answer).status, 202);
    assert!(methods(&session, "(answer)").is_empty());
}

/// The server must not wait for the timeout, while another session of the user keeps its process.
#[test]
fn a_request_to_a_session_that_ends_is_answered_with_an_error() {
    let proxy = Proxy::start(&[]);
    let user = [("X-User-Id", "a")];
    let [leaving, staying] = [0; 2].map(|_| proxy.session_of(&user, "2025-11-25", &json!({})));
    let mut stream = leaving.post(&call(1, "ask", &json!({"method": "sampling/createMessage"})));
    assert_eq!(stream.event().unwrap().json()["method"], "sampling/createMessage");
    assert!(methods(&staying, "(answer)").is_empty());
    assert_eq!(leaving.delete().status, 204);
    eventually("the server has an answer", || methods(&staying, "(answer)").len() == 1);
}

#[test]
fn a_cancellation_reaches_the_server_and_ends_the_call() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    thread::scope(|scope| {
        let hanging =
            scope.spawn(|| session.post(&call("c", "hang", &json!({}))).ends_unanswered());
        eventually("the call arrives", || calls(&session, "hang") == 1);
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": "c", "reason": "no need"}});
        assert_eq!(session.post(&cancel).status, 202);
        assert!(hanging.join().unwrap());
    });
    let told = &methods(&session, "notifications/cancelled")[0]["params"];
    assert_eq!(told["reason"], "no need");
    assert!(told["requestId"].is_u64(), "the id under which the server knows the call: {told}");
}

/// "Disconnection SHOULD NOT be interpreted as the client cancelling its request".
#[test]
fn a_client_that_hangs_up_cancels_nothing_and_harms_nobody() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let pid = session.pid();
    for _ in 0..20 {
        let mut tcp = std::net::TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        let body = call(1, "sleep", &json!({"ms": 20, "say": "x"})).to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {}\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: {}\r\n\r\n{body}",
            session.id,
            body.len(),
        );
        std::io::Write::write_all(&mut tcp, head.as_bytes()).unwrap();
    }
    eventually("all calls are made", || calls(&session, "sleep") == 20);
    assert_eq!(session.pid(), pid);
    assert!(methods(&session, "notifications/cancelled").is_empty());
    eventually("nothing stays in flight", || proxy.state()["calls"] == 0);
}

#[test]
fn initialized_is_told_once_and_answers_to_nothing_asked_are_accepted() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let again = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(session.post(&again).status, 202);
    assert_eq!(methods(&session, "notifications/initialized").len(), 1);
    let stray = json!({"jsonrpc": "2.0", "id": 77, "result": {}});
    assert_eq!(session.post(&stray).status, 202);
    assert!(methods(&session, "(answer)").is_empty());
}

#[test]
fn a_log_message_during_a_call_comes_on_its_stream() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let ask = call(1, "notify", &json!({"method": "notifications/message", "count": 3}));
    let (before, answer) = session.post(&ask).answer();
    assert_eq!(text(&answer), "done");
    assert_eq!(before.iter().map(|one| &one["params"]["n"]).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_burst_of_progress_is_complete() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    for _ in 0..5 {
        let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "progress", "arguments": {"steps": 900}, "_meta": {"progressToken": 7}}});
        let (before, _) = session.post(&ask).answer();
        assert_eq!(before.len(), 900);
        assert!(before.iter().all(|event| event["params"]["progressToken"] == 7));
    }
}

#[test]
fn a_long_call_gets_a_stream_with_comments() {
    let proxy = Proxy::start(&["--stream-after", "0.05", "--keep-alive", "0.05"]);
    let session = proxy.session();
    let mut slow = session.post(&call(1, "sleep", &json!({"ms": 400, "say": "late"})));
    assert_eq!(slow.header("content-type"), Some("text/event-stream"));
    let lines: Vec<_> = std::iter::from_fn(|| slow.line()).collect();
    assert!(lines.iter().any(|line| line == ": keep-alive"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("late")), "{lines:?}");
}
