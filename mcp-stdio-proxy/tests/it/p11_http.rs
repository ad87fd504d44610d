//! HTTP and JSON-RPC at the edges: old clients, compressed bodies, calls that were taken back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;

use serde_json::{Value, json};

use crate::client::{PATIENCE, send};
use crate::support::{Modern, Proxy, Session, call, eventually, initialize};

/// Sends `request` and returns all that comes back until the connection ends.
fn exchange(port: u16, request: &str) -> String {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn post_10(port: u16, headers: &[(&str, &str)], body: &Value) -> String {
    let body = body.to_string();
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    exchange(
        port,
        &format!(
            "POST /mcp HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

/// Asserts that no chunk is in `answer`, and returns its body.
fn unchunked(answer: &str) -> &str {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{head}");
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    body
}

#[test]
fn p11_a_client_of_http_1_0_gets_no_chunks() {
    let proxy = Proxy::of_era("--dual", &["--stream-after", "0"]);
    let answer = post_10(proxy.port, &[], &initialize("2025-11-25", &json!({})));
    let result: Value = serde_json::from_str(unchunked(&answer)).unwrap();
    assert!(result["result"]["serverInfo"].is_object(), "{answer}");
    let line = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap();
    let session = [("Mcp-Session-Id", line)];
    let answer = post_10(proxy.port, &session, &call(7, "sleep", &json!({"ms": 100})));
    let body = unchunked(&answer);
    // A quick answer comes as JSON.
    let data = body.lines().filter_map(|line| line.strip_prefix("data: ")).next_back();
    let result: Value = serde_json::from_str(data.unwrap_or(body)).unwrap();
    assert_eq!(result["id"], 7, "{answer}");
    // 2026-07-28.
    let body = proxy.modern(json!({})).request(8, "tools/call", &json!({"name": "pid"}));
    let headers = Modern::headers(&body);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let answer = post_10(proxy.port, &headers, &body);
    assert!(unchunked(&answer).contains("\"id\":8"), "{answer}");
}

#[test]
fn p11_a_stream_of_http_1_0_has_no_chunks() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let mut tcp = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let head =
        format!("Host: localhost\r\nAccept: text/event-stream\r\nMcp-Session-Id: {}", session.id);
    tcp.write_all(format!("GET /mcp HTTP/1.0\r\n{head}\r\n\r\n").as_bytes()).unwrap();
    let (mut answer, mut piece) = (String::new(), [0; 1024]);
    while !answer.contains("data: ") {
        let read = tcp.read(&mut piece).unwrap();
        assert!(read > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&piece[..read]).unwrap());
    }
    assert!(unchunked(&answer).starts_with("id: "), "{answer}");
}

#[test]
fn p11_a_compressed_body_is_refused_as_such() {
    let proxy = Proxy::of_era("--dual", &[]);
    let body = initialize("2025-11-25", &json!({}));
    for coding in ["gzip", "br", "deflate, identity", "GZIP", "x-unknown"] {
        let answer = proxy.post(&[("Content-Encoding", coding)], &body);
        assert_eq!(
            (answer.status, answer.header("accept-encoding")),
            (415, Some("identity")),
            "{coding}"
        );
        let said = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains("Content-Encoding"), "{said}");
    }
    for coding in ["identity", "Identity", ""] {
        assert_eq!(proxy.post(&[("Content-Encoding", coding)], &body).status, 200, "{coding}");
    }
    let modern = proxy.modern(json!({}));
    let list = modern.request(1, "tools/list", &json!({}));
    assert_eq!(modern.send(&list, &[("Content-Encoding", "gzip")]).status, 415);
    // What is no JSON at all is another fault.
    assert_eq!(
        proxy.post(&[("Content-Type", "text/plain")], &body).header("accept-encoding"),
        None
    );
}

fn cancel(session: &Session<'_>, id: &Value) {
    let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": id, "reason": "no longer needed"}});
    assert_eq!(session.post(&note).status, 202);
}

/// MCP "Cancellation": "Receivers of cancellation notifications SHOULD not send a response".
#[test]
fn p11_a_cancelled_call_gets_no_answer() {
    for options in [&[][..], &["--stream-after", "0"]] {
        let proxy = Proxy::start(options);
        let session = proxy.session();
        let state = || proxy.state()["calls"].clone();
        for id in [json!(5), json!("five")] {
            let ask = call(id.clone(), "sleep", &json!({"ms": 60_000}));
            let (port, headers) = (proxy.port, session.headers());
            thread::scope(|scope| {
                let waiting = scope.spawn(move || {
                    let own = [("Content-Type", "application/json"), ("Accept", "*/*")];
                    let mut answer = send(
                        port,
                        "POST",
                        "/mcp",
                        &[&own[..], &headers].concat(),
                        ask.to_string().as_bytes(),
                    );
                    assert_eq!(answer.status, 200);
                    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
                    let sized = answer.header("content-length").is_some();
                    let event = if sized { None } else { answer.event() };
                    assert!(event.is_none(), "{event:?}");
                    sized.then(|| String::from_utf8(answer.body()).unwrap())
                });
                eventually("it is in flight", || state() == 1);
                cancel(&session, &id);
                let body = waiting.join().unwrap();
                // Without an event id the client does not come back.
                assert!(body.is_none_or(|body| !body.contains("data:") && !body.contains("id:")));
            });
            assert_eq!(state(), 0);
        }
        // The session goes on.
        assert!(session.pid() > 0);
    }
}

/// A client that comes back to the stream of a cancelled call is told to stop.
#[test]
fn p11_the_stream_of_a_cancelled_call_is_over() {
    let proxy = Proxy::start(&["--stream-after", "0"]);
    let session = proxy.session();
    let mut stream = session.post(&call(1, "sleep", &json!({"ms": 60_000})));
    let first = stream.line().unwrap();
    let event = first.strip_prefix("id: ").unwrap().to_owned();
    cancel(&session, &json!(1));
    assert!(stream.event().is_none());
    assert_eq!(session.get(&[("Last-Event-ID", &event)]).status, 204);
}

/// The HTTP library itself refuses these heads; a client that shows the body still tells its user why.
#[test]
fn p11_a_head_that_is_refused_is_told_why() {
    let proxy = Proxy::start(&[]);
    let many: String =
        (0..200).map(|number| format!("X-{number}: x\r\n")).collect::<Vec<_>>().concat();
    let large = format!("Authorization: Bearer {}\r\n", "x".repeat(200_000));
    let long = format!("/{}", "x".repeat(200_000));
    for (line, headers, status) in [
        ("POST /mcp HTTP/1.1", many.as_str(), 431),
        ("POST /mcp HTTP/1.1", &large, 431),
        (&format!("GET {long} HTTP/1.1"), "", 431),
        ("POST /mcp HTTP/1.1", "not a header\r\n", 400),
        ("POST mcp HTTP/9.9", "", 400),
    ] {
        let mut tcp = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        // The proxy may not want to read all of it.
        let _sent = tcp.write_all(format!("{line}\r\nHost: localhost\r\n{headers}\r\n").as_bytes());
        let mut answer = Vec::new();
        let _read = tcp.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
        assert!(head.contains("application/json"), "{head}");
        let error: Value = serde_json::from_str(body).unwrap();
        assert!(error["error"]["message"].as_str().unwrap().contains("head"), "{error}");
    }
    assert!(proxy.session().pid() > 0);
}
