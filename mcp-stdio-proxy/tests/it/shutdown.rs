//! The end: requests finish up to the deadline, and no process is left.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::{Proxy, SERVER, call, eventually, is_alive, text};

/// What an orchestrator grants, with something to spare.
const FIVE_SECONDS: Duration = Duration::from_secs(5);

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
    assert!(proxy.terminate_within(FIVE_SECONDS), "{}", proxy.log());
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn servers_that_ignore_everything_are_killed() {
    // After the server has seen the end of its input, the shell and its child ignore TERM.
    let script = format!("trap '' TERM; {SERVER}; sleep 1000 & wait; sleep 1000");
    let mut proxy = Proxy::with_command(&[], &["sh", "-c", &script]);
    let pids: Vec<u32> = (0..5).map(|_| proxy.session().pid()).collect();
    let groups: Vec<u32> = pids.iter().map(|pid| group(*pid)).collect();
    assert!(proxy.terminate_within(FIVE_SECONDS));
    assert!(!groups.into_iter().any(group_exists));
}

/// Not even a proxy that was killed leaves a server behind that ignores the end of its input.
#[test]
fn a_killed_proxy_takes_its_servers_along() {
    let script = format!("trap '' TERM; {SERVER}; exec sleep 1000");
    let mut proxy = Proxy::with_command(&[], &["sh", "-c", &script]);
    let pid = proxy.session().pid();
    let leader = group(pid);
    assert!(is_alive(pid) && is_alive(leader));
    proxy.process.kill().unwrap();
    eventually("both are gone", || !is_alive(pid) && !is_alive(leader));
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

/// Also what has left the process group of its server, and no zombie before that.
#[test]
fn a_daemon_that_left_its_group_is_found_and_orphans_are_reaped() {
    let script = format!("(setsid sleep 1000 & echo $! >&2); (sleep 0.05 &); exec {SERVER}");
    let mut proxy = Proxy::with_command(&[], &["sh", "-c", &script]);
    let session = proxy.session();
    assert!(session.pid() > 0);
    let children = || {
        let ps = std::process::Command::new("ps")
            .args(["--ppid", &proxy.process.id().to_string(), "-o", "pid=,stat=,comm="])
            .output()
            .unwrap();
        String::from_utf8(ps.stdout).unwrap()
    };
    eventually("the daemon is ours, and no zombie", || {
        let all = children();
        all.contains("sleep") && !all.contains(" Z") && all.lines().count() == 2
    });
    let daemon = children().lines().find(|line| line.contains("sleep")).unwrap().to_owned();
    let daemon: u32 = daemon.trim().split(' ').next().unwrap().parse().unwrap();
    assert!(is_alive(daemon));
    assert!(proxy.terminate());
    assert!(!is_alive(daemon));
}
