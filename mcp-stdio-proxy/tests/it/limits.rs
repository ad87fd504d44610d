//! Sizes, numbers and pressure: every bound holds, and what is within them works.

use std::thread;

use serde_json::{Value, json};

use crate::client::send;
use crate::support::{Proxy, Session, call, eventually, text};

pub(crate) fn rss(proxy: &Proxy) -> u64 {
    memory(proxy, "VmRSS:")
}

/// The most since the start.
fn peak(proxy: &Proxy) -> u64 {
    memory(proxy, "VmHWM:")
}

fn memory(proxy: &Proxy, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Twice the bytes in flight, and what a buffer may have too much.
#[test]
fn large_requests_and_results_pass_whole_in_bounded_memory() {
    const SLACK: u64 = 12 << 20;
    for mebibytes in [1, 8, 32] {
        let size = mebibytes << 20;
        // Only root can reset the peak of the proxy, which is not dumpable.
        let proxy = Proxy::start(&["--max-request", "40000000"]);
        let session = proxy.session();
        let before = rss(&proxy);
        assert_eq!(text(&session.call("big", &json!({"bytes": size}))).len(), size);
        let most = peak(&proxy) - before;
        assert!(most < 2 * (mebibytes << 20) as u64 + SLACK, "{mebibytes} MiB: {most}");
        let said = "y".repeat(size);
        let answer = session.call("sleep", &json!({"ms": 0, "say": said}));
        assert!(text(&answer) == said);
    }
}

/// By default 16 MiB, and not a byte more.
#[test]
fn a_request_up_to_the_default_limit_is_served_and_one_beyond_it_is_413() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let empty = call(1, "sleep", &json!({"ms": 0, "say": ""})).to_string().len();
    let ask = |size: usize| call(1, "sleep", &json!({"ms": 0, "say": "x".repeat(size)}));
    let largest = (16 << 20) - empty;
    assert_eq!(text(&session.post(&ask(largest)).answer().1).len(), largest);
    for size in [largest + 1, 32 << 20] {
        let response = session.post(&ask(size));
        assert_eq!(response.status, 413);
        assert!(response.json()["error"]["message"].is_string());
    }
    assert!(session.pid() > 0);
}

#[test]
fn a_request_over_the_limit_is_refused_in_json() {
    let proxy = Proxy::start(&["--max-request", "1000000"]);
    let session = proxy.session();
    let large = call(1, "sleep", &json!({"say": "x".repeat(8 << 20)}));
    let response = session.post(&large);
    assert_eq!(response.status, 413);
    assert!(response.json()["error"]["message"].as_str().unwrap().contains("1000000"));
    assert!(session.pid() > 0);
}

#[test]
fn an_answer_over_the_limit_fails_its_call_and_no_other() {
    let proxy = Proxy::start(&["--max-message", "1000000"]);
    let session = proxy.session();
    let pid = session.pid();
    thread::scope(|scope| {
        let other = scope.spawn(|| session.call("sleep", &json!({"ms": 300, "say": "fine"})));
        let answer = session.call("big", &json!({"bytes": 3_000_000}));
        assert!(answer["error"]["message"].as_str().unwrap().contains("1000000"), "{answer}");
        assert_eq!(text(&other.join().unwrap()), "fine");
    });
    assert_eq!(session.pid(), pid);
}

#[test]
fn ten_thousand_requests_in_one_session_are_answered() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    thread::scope(|scope| {
        for lane in 0..4u64 {
            let session = &session;
            scope.spawn(move || keep_asking(session.proxy.port, &session.id, lane));
        }
    });
    assert_eq!(proxy.state()["calls"], 0);
}

/// 2,500 calls on one connection.
fn keep_asking(port: u16, session: &str, number: u64) {
    use std::io::{BufRead, BufReader, Read, Write};
    let mut tcp = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut reader = BufReader::new(tcp.try_clone().unwrap());
    for round in 0..2500 {
        let said = format!("{number}:{round}");
        let body =
            json!({"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"say": said}}).to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {session}\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        );
        tcp.write_all(head.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["result"]["echo"]["say"], said.as_str());
    }
}

#[test]
fn a_client_that_does_not_read_costs_bounded_memory_and_stops_nobody() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    // 64 MiB of notifications on a stream nobody reads from.
    let asleep = session.get(&[]);
    assert!(session.pid() > 0);
    let before = rss(&proxy);
    let flood = json!({"method": "notifications/tools/list_changed", "count": 1024, "pad": 65_536});
    assert_eq!(text(&session.call("notify", &flood)), "done");
    assert!(session.pid() > 0);
    assert!(rss(&proxy) < before + (40 << 20), "{} -> {}", before, rss(&proxy));
    drop(asleep);
}

/// More than is ever kept waiting: the server waits for the reader instead, and nothing is lost.
#[test]
fn a_burst_longer_than_any_queue_arrives_whole_at_a_client_that_reads() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "progress", "arguments": {"steps": 20_000}, "_meta": {"progressToken": "t"}}});
    let (before, answer) = session.post(&ask).answer();
    assert_eq!(text(&answer), "done");
    let steps = before.iter().map(|event| event["params"]["progress"].as_u64().unwrap());
    assert!(steps.eq(1..=20_000), "{}", before.len());
}

/// A client that does not read keeps no other client of the same process waiting.
#[test]
fn a_client_that_stopped_reading_stops_nobody() {
    let proxy = Proxy::start(&[]);
    let alice = [("X-User-Id", "a")];
    let (asleep, awake) = (
        proxy.session_of(&alice, "2025-11-25", &json!({})),
        proxy.session_of(&alice, "2025-11-25", &json!({})),
    );
    let pid = awake.pid();
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "progress", "arguments": {"steps": 50_000, "say": "x".repeat(1000)},
        "_meta": {"progressToken": "t"}}});
    let unread = asleep.post(&ask);
    assert_eq!(awake.pid(), pid, "they share the process");
    drop(unread);
}

/// Eight answers of 8 MiB that nobody reads: held once, and nobody else waits.
#[test]
fn large_answers_that_are_not_read_are_held_once_and_stop_nobody() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let before = rss(&proxy);
    let size = 8 << 20;
    let unread: Vec<_> =
        (0..8).map(|_| session.post(&call(1, "big", &json!({"bytes": size})))).collect();
    assert!(session.pid() > 0);
    let held = rss(&proxy) - before;
    assert!(held < 2 * 8 * size, "{held}");
    for response in unread {
        assert_eq!(text(&response.answer().1).len(), usize::try_from(size).unwrap());
    }
}

#[test]
fn bounds_on_processes_and_requests_are_503_with_a_time_to_wait() {
    let proxy = Proxy::start(&["--max-children", "2", "--max-calls", "2"]);
    let sessions = [proxy.session(), proxy.session()];
    thread::scope(|scope| {
        let mut hanging = Vec::new();
        for session in &sessions {
            for id in 0..2 {
                let ask = call(id, "hang", &json!({}));
                hanging.push(scope.spawn(move || session.post(&ask).ends_unanswered()));
            }
        }
        eventually("all are in flight", || proxy.state()["calls"] == 4);
        let full = sessions[0].post(&call(1, "pid", &json!({})));
        assert_eq!((full.status, full.header("retry-after")), (503, Some("5")));
        let third = proxy.post(&[], &crate::support::initialize("2025-11-25", &json!({})));
        assert_eq!((third.status, third.header("retry-after")), (503, Some("5")));
        assert!(third.json()["error"]["message"].is_string());
        for session in &sessions {
            (0..2).for_each(|id| cancel(session, id));
        }
        for call in hanging {
            assert!(call.join().unwrap());
        }
    });
}

fn cancel(session: &Session<'_>, id: u64) {
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": id}});
    assert_eq!(session.post(&cancel).status, 202);
}

#[test]
fn a_user_has_a_share_of_the_processes() {
    let proxy = Proxy::start(&["--max-children-per-user", "1"]);
    let alice = [("X-User-Id", "a")];
    let one = proxy.session_of(&alice, "2025-11-25", &json!({}));
    thread::scope(|scope| {
        let busy = scope.spawn(|| one.post(&call(1, "hang", &json!({}))).ends_unanswered());
        eventually("it is busy", || proxy.state()["calls"] == 1);
        let second = crate::support::initialize("2025-11-25", &json!({"roots": {}}));
        assert_eq!(proxy.post(&alice, &second).status, 503);
        assert_eq!(proxy.post(&[("X-User-Id", "b")], &second).status, 200);
        cancel(&one, 1);
        assert!(busy.join().unwrap());
    });
}

/// Also when all of them ask at once.
#[test]
fn a_server_has_no_more_processes_than_it_may() {
    let proxy = Proxy::start(&["--max-children-per-server", "3"]);
    let hello = crate::support::initialize("2025-11-25", &json!({}));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let opening: Vec<_> =
            (0..12).map(|_| scope.spawn(|| proxy.post(&[], &hello).status)).collect();
        opening.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 9, "{statuses:?}");
    assert_eq!(proxy.state()["pids"].as_array().unwrap().len(), 3);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(proxy.post(&[], &hello).status, 200, "an idle process makes room");
    assert_eq!(proxy.state()["pids"].as_array().unwrap().len(), 3);
}

#[test]
fn the_oldest_session_goes_when_there_are_too_many() {
    let proxy = Proxy::start(&["--max-sessions", "2"]);
    let first = proxy.session();
    let (second, third) = (proxy.session(), proxy.session());
    assert_eq!(first.post(&call(1, "pid", &json!({}))).status, 404);
    assert!(second.pid() != third.pid());
}

/// Clients that open a session for every call cost others nothing.
#[test]
fn a_user_who_opens_sessions_without_end_loses_their_own() {
    let proxy = Proxy::start(&[]);
    let bob = proxy.session_of(&[("X-User-Id", "b")], "2025-11-25", &json!({}));
    let alice = [("X-User-Id", "a")];
    let first = proxy.session_of(&alice, "2025-11-25", &json!({}));
    let pid = first.pid();
    let mut last = None;
    for _ in 0..256 {
        last = Some(proxy.session_of(&alice, "2025-11-25", &json!({})));
    }
    assert_eq!(first.post(&call(1, "pid", &json!({}))).status, 404);
    assert_eq!(last.unwrap().pid(), pid, "all of them share a process");
    assert!(bob.pid() > 0);
}

#[test]
fn metrics_are_on_their_own_address_alone() {
    let port = gateway_tests::port::free_port();
    let proxy = Proxy::start(&["--metrics-listen", &format!("127.0.0.1:{port}")]);
    let session = proxy.session();
    session.pid();
    let page = String::from_utf8(send(port, "GET", "/metrics", &[], b"").body()).unwrap();
    let line =
        "mcp_proxy_request_seconds_count{server=\"server\",method=\"tools/call\",status=\"200\"} 1";
    assert!(page.contains(line), "{page}");
    for gauge in ["children", "sessions"] {
        let line = format!("mcp_proxy_{gauge}{{server=\"server\"}} 1");
        assert!(page.lines().any(|one| one == line), "{line}: {page}");
    }
    let counted = |direction: &str| {
        let start =
            format!("mcp_proxy_bytes_total{{server=\"server\",direction=\"{direction}\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        line.parse::<u64>().unwrap()
    };
    assert!(counted("to_server") > 100 && counted("from_server") > 100, "{page}");
    assert_eq!(send(proxy.port, "GET", "/metrics", &[], b"").status, 404);
}
