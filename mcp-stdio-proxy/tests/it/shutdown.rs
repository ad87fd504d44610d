//! The end: requests finish up to the deadline, and no process is left.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Proxy, SERVER, call, eventually, is_alive, text};

#[test]
fn twenty_servers_with_grandchildren_and_open_streams_are_gone_within_five_seconds() {
    let mut proxy = Proxy::start(&[]);
    let (mut pids, mut streams) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let session = proxy.session();
        pids.push(session.pid());
        pids.push(text(&session.call("fork", &json!({}))).parse().unwrap());
        streams.push(session.get(&[]));
    }
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    let start = Instant::now();
    assert!(proxy.terminate(), "{}", proxy.log());
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn servers_that_ignore_everything_are_killed() {
    // After the server has seen the end of its input, the shell and its child ignore TERM.
    let script = format!("trap '' TERM; {SERVER}; sleep 1000 & wait; sleep 1000");
    let mut proxy = Proxy::with_command(&[], &["sh", "-c", &script]);
    let pids: Vec<u32> = (0..5).map(|_| proxy.session().pid()).collect();
    let groups: Vec<u32> = pids.iter().map(|pid| group(*pid)).collect();
    let start = Instant::now();
    assert!(proxy.terminate());
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!groups.into_iter().any(group_exists));
}

fn group(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(2).unwrap().parse().unwrap()
}

fn group_exists(group: u32) -> bool {
    let pid = rustix::process::Pid::from_raw(group.cast_signed()).unwrap();
    rustix::process::test_kill_process_group(pid).is_ok()
}

#[test]
fn a_request_in_flight_finishes_and_new_work_is_refused() {
    let mut proxy = Proxy::start(&[]);
    let port = proxy.port;
    let id = proxy.session().id;
    let headers = move || {
        vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Accept".to_owned(), "*/*".to_owned()),
            ("Mcp-Session-Id".to_owned(), id.clone()),
        ]
    };
    let ask = call(1, "sleep", &json!({"ms": 1000, "say": "in time"})).to_string();
    let slow = thread::spawn(move || {
        let headers = headers();
        let headers: Vec<_> = headers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        crate::client::send(port, "POST", "/mcp", &headers, ask.as_bytes()).answer().1
    });
    eventually("it is in flight", || proxy.state()["calls"] == 1);
    assert!(proxy.terminate());
    assert_eq!(text(&slow.join().unwrap()), "in time");
}

#[test]
fn a_request_that_does_not_finish_is_answered_with_an_error() {
    let mut proxy = Proxy::start(&["--drain-timeout", "0.2"]);
    let session_id = proxy.session().id;
    let port = proxy.port;
    let ask = call(1, "hang", &json!({})).to_string();
    let hanging = thread::spawn(move || {
        let headers = [
            ("Content-Type", "application/json"),
            ("Accept", "*/*"),
            ("Mcp-Session-Id", session_id.as_str()),
        ];
        crate::client::send(port, "POST", "/mcp", &headers, ask.as_bytes()).answer().1
    });
    eventually("it is in flight", || proxy.state()["calls"] == 1);
    assert!(proxy.terminate());
    assert!(hanging.join().unwrap()["error"].is_object());
}
