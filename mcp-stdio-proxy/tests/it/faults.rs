//! Servers that fail: the client learns it at once, and the next request works.

use std::thread;

use serde_json::{Value, json};

use crate::client::send;
use crate::support::{Proxy, SERVER, Session, call, eventually, initialize, is_alive, text};

fn fails(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

fn works_afresh(session: &Session<'_>, old: u32) {
    let new = session.pid();
    assert_ne!(new, old);
    eventually("the old process is gone", || !is_alive(old));
}

#[test]
fn a_server_killed_in_a_call_fails_it_at_once_and_the_next_call_works() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let pid = session.pid();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..3)
            .map(|id| {
                let session = &session;
                scope.spawn(move || session.post(&call(id, "hang", &json!({}))).answer().1)
            })
            .collect();
        eventually("the calls are in flight", || proxy.state()["calls"] == 3);
        kill(pid);
        for (id, hanging) in calls.into_iter().enumerate() {
            let answer = hanging.join().unwrap();
            assert!(fails(&answer).contains("signal 9"), "{answer}");
            assert_eq!(answer["id"], id);
        }
    });
    works_afresh(&session, pid);
    assert_eq!(proxy.state()["restarts"], 1);
}

/// The least delay of several counts, since the machine may be busy. It is some 5 ms on one that is not.
#[test]
fn the_error_comes_soon_after_the_kill() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let took = (0..8).map(|_| {
        let pid = session.pid();
        thread::scope(|scope| {
            let hanging = scope.spawn(|| {
                let answer = session.call("hang", &json!({}));
                (std::time::Instant::now(), answer)
            });
            eventually("the call is in flight", || proxy.state()["calls"] == 1);
            let killed = std::time::Instant::now();
            kill(pid);
            let (answered, answer) = hanging.join().unwrap();
            assert!(fails(&answer).contains("signal 9"), "{answer}");
            eventually("it is started again", || {
                session.call("x", &json!({}))["error"]["code"] == -32602
            });
            answered - killed
        })
    });
    let least = took.min().unwrap();
    assert!(least <= std::time::Duration::from_millis(500), "{least:?}");
}

/// A grandchild that holds the output open does not hold up the error.
#[test]
fn a_grandchild_that_outlives_the_server_holds_up_no_error() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let grandchild: u32 = text(&session.call("fork", &json!({}))).parse().unwrap();
    // It would hold the output open for longer than a test waits.
    assert!(fails(&session.call("die", &json!({}))).contains("exit code 9"));
    eventually("it is gone with its server", || !is_alive(grandchild));
}

/// The operator sees what a server wrote last; clients only if the operator wants it.
#[test]
fn what_a_failed_server_wrote_last_is_told() {
    for (options, told) in [(&[][..], false), (&["--explain-failures"], true)] {
        let proxy = Proxy::start(options);
        let session = proxy.session();
        let answer = session.call("die", &json!({}));
        assert!(fails(&answer).contains("exit code 9"), "{answer}");
        assert_eq!(fails(&answer).contains("last words"), told, "{answer}");
        assert!(session.pid() > 0);
        assert_eq!(proxy.state()["lastFailure"], "exit code 9; on stderr: last words");

        let proxy = Proxy::with_command(options, &[SERVER, "--die-at-start"]);
        let answer = proxy.post(&[], &initialize("2025-11-25", &json!({}))).answer().1;
        assert_eq!(fails(&answer).contains("no such database"), told, "{answer}");
        let last = proxy.state()["lastFailure"].to_string();
        assert!(last.contains("no such database"), "{last}");
    }
}

#[test]
fn a_server_killed_while_idle_is_started_anew_with_the_same_greeting() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session_of(&[], "2025-06-18", &json!({"roots": {"x": 1}}));
    let pid = session.pid();
    kill(pid);
    eventually("it is dead", || proxy.state()["pids"] == json!([]));
    works_afresh(&session, pid);
    let received: Value =
        serde_json::from_str(text(&session.call("received", &json!({})))).unwrap();
    assert_eq!(received[0]["params"]["capabilities"], json!({"roots": {"x": 1}}));
    assert_eq!(received[1]["method"], "notifications/initialized");
}

#[test]
fn every_way_to_end_in_a_call_is_an_error_and_no_dead_end() {
    let proxy = Proxy::start(&[]);
    for way in ["die", "close_stdout"] {
        let session = proxy.session();
        let pid = session.pid();
        assert!(fails(&session.call(way, &json!({}))).contains("server"), "{way}");
        works_afresh(&session, pid);
    }
}

#[test]
fn floods_and_garbage_are_skipped() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let pid = session.pid();
    let flood = json!({"bytes": 100_000_000});
    assert_eq!(text(&session.call("flood_stderr", &flood)), "done");
    assert_eq!(text(&session.call("flood_stdout", &json!({"bytes": 5_000_000}))), "done");
    assert_eq!(session.call("garbage", &json!({}))["result"], json!({"ok": true}));
    assert_eq!(session.pid(), pid);
    eventually("the log says what it left out", || proxy.log().contains("lines left out"));
    assert!(proxy.log().matches("noise").count() < 20_000);
}

#[test]
fn answers_given_twice_or_to_nobody_disturb_nobody() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    for round in 0..10 {
        assert_eq!(text(&session.call("twice", &json!({}))), "first", "{round}");
        assert_eq!(text(&session.call("unknown_ids", &json!({}))), "right", "{round}");
    }
}

/// DE-3: to a client that probes, a 5xx would be the end of the road.
#[test]
fn a_command_that_cannot_run_is_an_answer_that_names_the_server() {
    let directory = ["/", "/"];
    for command in [&["/does/not/exist"][..], &directory[..1]] {
        let proxy = Proxy::with_command(&["--name", "broken"], command);
        let response = proxy.post(&[], &initialize("2025-11-25", &json!({})));
        assert!(response.header("mcp-session-id").is_none());
        let answer = response.answer().1;
        assert!(fails(&answer).contains("\"broken\""), "{answer}");
        assert!(!fails(&answer).contains("/does"), "the command line is nobody's business");
        assert_eq!(answer["id"], 0);
        eventually("the log tells", || {
            proxy.log().lines().any(|line| line.contains("ERROR") && line.contains("broken"))
        });
    }
}

#[test]
fn a_server_that_dies_or_refuses_or_is_mute_at_the_start_is_an_answer_too() {
    for (mode, said) in [
        ("--die-at-start", "ended when it was started"),
        ("--mute", "did not answer"),
        ("--refuse", "not you"),
    ] {
        let proxy = Proxy::with_command(&["--start-timeout", "0.5"], &[SERVER, mode]);
        let answer = proxy.post(&[], &initialize("2025-11-25", &json!({}))).answer().1;
        assert!(fails(&answer).contains(said), "{mode}: {answer}");
        let call = proxy.post(&[("X-User-Id", "u")], &call(3, "pid", &json!({}))).answer().1;
        assert!(fails(&call).contains(said), "{mode}: {call}");
        assert_eq!(call["id"], 3);
        eventually("nothing is left", || proxy.state()["pids"] == json!([]));
    }
}

#[test]
fn a_crash_loop_is_slowed_down_and_visible() {
    let proxy = Proxy::with_command(&[], &[SERVER, "--die-at-start"]);
    eventually("the next start has to wait", || {
        let answer = proxy.post(&[], &initialize("2025-11-25", &json!({}))).answer().1;
        fails(&answer).contains("keeps ending")
    });
    assert_eq!(proxy.state()["state"], "failing");
    assert!(proxy.log().contains("no such database"));
    assert_eq!(send(proxy.port, "GET", "/readyz", &[], b"").status, 503);
    assert_eq!(send(proxy.port, "GET", "/healthz", &[], b"").status, 200);
}

#[test]
fn a_call_that_hangs_ends_at_the_timeout_and_the_server_is_told() {
    let proxy = Proxy::start(&["--request-timeout", "0.3"]);
    let session = proxy.session();
    assert!(fails(&session.call("hang", &json!({}))).contains("no progress"));
    eventually("the server is told", || {
        text(&session.call("received", &json!({}))).contains("notifications/cancelled")
    });
}
