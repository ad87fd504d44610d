//! What waits for a server that does not read, and what clients declare: the proxy keeps a bounded part of it.

use std::thread;

use serde_json::{Value, json};

use crate::limits::rss;
use crate::support::{Proxy, call, eventually};

/// Answers `initialize`, and reads nothing more.
const DEAF: &str = r#"
import json, sys, time
request = json.loads(sys.stdin.readline())
result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "deaf", "version": "1"}}
print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
"#;

fn server(rest: &str) -> Proxy {
    let script = format!("{DEAF}{rest}");
    Proxy::with_command(&[], &["python3", "-c", &script])
}

/// Each ping is answered, and each answer waits.
#[test]
fn s11_a_server_that_asks_and_does_not_read_is_ended() {
    let flood = r#"
ping = "".join('{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % n for n in range(1000))
while True:
    sys.stdout.write(ping)
"#;
    let proxy = server(flood);
    let _session = proxy.session();
    let before = rss(&proxy);
    eventually("the server is ended", || proxy.log().contains("it does not read its input"));
    assert!(rss(&proxy) < before + (256 << 20), "{before} -> {}", rss(&proxy));
}

/// Cancelled calls are not in flight any more, and wait to be read all the same.
#[test]
fn s11_cancelled_calls_that_a_server_does_not_read_are_bounded() {
    let proxy = server("time.sleep(600)\n");
    let session = proxy.session();
    let before = rss(&proxy);
    let mut refused = None;
    for id in 0..20 {
        let large = call(id, "t", &json!({"pad": "x".repeat(6 << 20)}));
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        let answered = thread::scope(|scope| {
            let answer = scope.spawn(|| session.post(&large).status);
            while !answer.is_finished() {
                session.post(&cancel);
            }
            answer.join().unwrap()
        });
        if answered == 503 {
            refused = Some(id);
            break;
        }
    }
    assert!(refused.is_some_and(|id| id > 1), "{refused:?}");
    assert!(rss(&proxy) < before + (80 << 20), "{before} -> {}", rss(&proxy));
}

/// A client of 2026-07-28 declares its capabilities with each message.
#[test]
fn s11_declarations_of_one_person_are_bounded() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let declare = |n: usize| {
        let mut client =
            proxy.modern(json!({"experimental": {n.to_string(): {"pad": "x".repeat(30_000)}}}));
        client.user = Some("github:1");
        let mut body = client.request(Value::Null, "notifications/x", &json!({}));
        body.as_object_mut().unwrap().remove("id");
        client.send(&body, &[]).status
    };
    assert_eq!(declare(0), 202);
    let before = rss(&proxy);
    for n in 1..400 {
        assert_eq!(declare(n), 202);
    }
    assert!(rss(&proxy) < before + (12 << 20), "{before} -> {}", rss(&proxy));
}
