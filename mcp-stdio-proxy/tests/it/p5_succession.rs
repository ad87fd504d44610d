//! Servers that tolerate one instance, and need time to end: the next process of a user starts when nothing is
//! left of the last one.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::send;
use crate::config::File;
use crate::support::{ERA_SERVER, Modern, Proxy, call, eventually, initialize, is_alive, text};

/// Holds a lock while it runs, and 1.5 s longer.
const SLOW: &str = "\"$@\"; sleep 1.5; rmdir $lock";
/// The same of a helper, which outlives the server and ignores TERM from its first moment.
const HELPED: &str =
    "trap '' TERM; (tail -s 0.3 --pid=$$ -f /dev/null; rmdir $lock) & trap - TERM; exec \"$@\"";

/// A server that ends at once if another instance of it runs.
struct Single {
    directory: TempDir,
    file: File,
}

impl Single {
    fn new(run: &str, mode: &str, settings: &Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let dir = directory.path().display();
        let script = format!(
            "lock={dir}/lock; shift; [ -e {dir}/tolerant ] || mkdir $lock || {{ echo x >>{dir}/refused; exit 3; }}; echo x >>{dir}/started; {run}"
        );
        let mut entry =
            json!({"command": "/bin/sh", "args": ["-c", script, "sh", "-", ERA_SERVER, mode]});
        entry.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let file = File::new(&json!({"server": entry}));
        Self { directory, file }
    }

    fn serve(&self, options: &[&str]) -> Proxy {
        Proxy::with(&[&["--config", self.file.path()], options].concat(), &[])
    }

    fn count(&self, what: &str) -> usize {
        let file = self.directory.path().join(what);
        std::fs::read_to_string(file).unwrap_or_default().lines().count()
    }
}

const PATH: &str = "/server/mcp";

/// Opens a session of `user`; `None` if the server does not start.
fn open(proxy: &Proxy, user: &[(&'static str, &'static str)]) -> Option<String> {
    let opened = proxy.post_to(PATH, user, &initialize("2025-11-25", &json!({})));
    opened.header("mcp-session-id").map(str::to_owned)
}

fn pid(proxy: &Proxy, headers: &[(&str, &str)]) -> u32 {
    text(&proxy.post_to(PATH, headers, &call(1, "pid", &json!({}))).answer().1).parse().unwrap()
}

fn modern(proxy: &Proxy, user: Option<&str>, tool: &str) -> Value {
    let body =
        proxy.modern(json!({})).request(1, "tools/call", &json!({"name": tool, "arguments": {}}));
    let headers = Modern::headers(&body);
    let headers = headers.iter().map(|(name, value)| (&**name, &**value));
    let headers: Vec<_> = headers.chain(user.map(|user| ("X-User-Id", user))).collect();
    proxy.post_to(PATH, &headers, &body).answer_of_any_status()
}

const ALICE: &[(&str, &str)] = &[("X-User-Id", "alice")];

#[test]
fn p5_a_session_that_was_deleted_leaves_before_the_next_one() {
    for (run, user) in [(SLOW, &[][..]), (SLOW, ALICE), (HELPED, ALICE)] {
        let single = Single::new(run, "--both", &json!({}));
        let proxy = single.serve(&[]);
        for _ in 0..3 {
            let id = open(&proxy, user).unwrap_or_else(|| panic!("{run}: {}", proxy.log()));
            let headers = [user, &[("Mcp-Session-Id", &*id)]].concat();
            pid(&proxy, &headers);
            assert_eq!(send(proxy.port, "DELETE", PATH, &headers, b"").status, 204);
        }
        assert_eq!((single.count("started"), single.count("refused")), (3, 0), "{run}");
    }
}

#[test]
fn p5_an_idle_process_and_a_dead_one_leave_before_the_next_one() {
    let single = Single::new(HELPED, "--both", &json!({}));
    let proxy = single.serve(&["--idle-timeout", "0.3"]);
    let id = open(&proxy, ALICE).unwrap();
    let headers = [ALICE, &[("Mcp-Session-Id", &*id)]].concat();
    let first = pid(&proxy, &headers);
    eventually("it is idle", || !is_alive(first));
    assert_ne!(pid(&proxy, &headers), first);
    let died = proxy.post_to(PATH, &headers, &call(1, "die", &json!({}))).answer().1;
    assert!(died["error"].is_object(), "{died}");
    pid(&proxy, &headers);
    assert_eq!(single.count("refused"), 0);

    let (single, m) = (Single::new(HELPED, "--modern", &json!({})), Some("m"));
    let proxy = single.serve(&["--idle-timeout", "0.3"]);
    let first = text(&modern(&proxy, m, "pid")).parse().unwrap();
    eventually("it is idle", || !is_alive(first));
    text(&modern(&proxy, m, "pid"));
    assert!(modern(&proxy, m, "die")["error"].is_object());
    text(&modern(&proxy, m, "pid"));
    assert_eq!(single.count("refused"), 0);
}

#[test]
fn p5_a_probe_leaves_before_the_process() {
    for (mode, run, user) in [
        ("--modern", SLOW, Some("m")),
        ("--both", SLOW, None),
        ("--legacy", SLOW, Some("m")),
        ("--legacy-strict", HELPED, Some("m")),
        ("--legacy-silent", HELPED, None),
    ] {
        let single = Single::new(run, mode, &json!({}));
        let proxy = single.serve(&["--probe-timeout", "0.5"]);
        text(&modern(&proxy, user, "pid"));
        assert_eq!((single.count("started"), single.count("refused")), (2, 0), "{mode}");
    }
}

/// The one with a handshake waits for the probe, which nobody uses.
#[test]
fn p5_a_probe_and_a_process_do_not_run_side_by_side() {
    let noted = "echo begin >>$lock.log; \"$@\"; sleep 0.5; echo end >>$lock.log; exit";
    let single = Single::new(noted, "--legacy-silent", &json!({}));
    std::fs::create_dir(single.directory.path().join("tolerant")).unwrap();
    let proxy = single.serve(&["--probe-timeout", "1"]);
    thread::scope(|scope| {
        scope.spawn(|| {
            let body = proxy.modern(json!({})).request(1, "server/discover", &json!({}));
            let headers = Modern::headers(&body);
            let headers = headers.iter().map(|(name, value)| (&**name, &**value));
            let headers: Vec<_> = headers.chain(ALICE.iter().copied()).collect();
            proxy.post_to(PATH, &headers, &body).answer_of_any_status()
        });
        eventually("it is probed", || single.count("lock.log") == 1);
        assert!(open(&proxy, ALICE).is_some(), "{}", proxy.log());
    });
    let log = std::fs::read_to_string(single.directory.path().join("lock.log")).unwrap();
    assert!(log.starts_with("begin\nend\nbegin\n"), "{log}");
}

/// What the last one has begun it may finish.
#[test]
fn p5_after_an_edit_the_old_process_leaves_before_the_new_one() {
    let single = Single::new(SLOW, "--both", &json!({}));
    let proxy = single.serve(&[]);
    let first = pid(&proxy, ALICE);
    let text_of_file = std::fs::read_to_string(single.file.path()).unwrap();
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let ask = call(7, "sleep", &json!({"ms": 1500, "say": "finished"}));
            proxy.post_to(PATH, ALICE, &ask).answer().1
        });
        eventually("it is in flight", || proxy.state()["calls"] == 1);
        single.file.write(&text_of_file.replace("\"sh\"", "\"sh2\""));
        eventually("it is taken over", || proxy.state()["pids"] == json!([]));
        assert_ne!(pid(&proxy, ALICE), first);
        assert_eq!(text(&slow.join().unwrap()), "finished");
    });
    assert_eq!((single.count("started"), single.count("refused")), (2, 0));
}

/// Not for ever: one that ignores everything is killed.
#[test]
fn p5_a_predecessor_that_does_not_end_is_killed() {
    let stubborn = "trap '' TERM; \"$@\"; while :; do sleep 0.2; done";
    let single = Single::new(stubborn, "--both", &json!({}));
    let proxy = single.serve(&[]);
    let id = open(&proxy, ALICE).unwrap();
    let headers = [ALICE, &[("Mcp-Session-Id", &*id)]].concat();
    send(proxy.port, "DELETE", PATH, &headers, b"");
    // The lock was left behind by the one that was killed.
    thread::sleep(Duration::from_millis(100));
    std::fs::remove_dir(single.directory.path().join("lock")).unwrap();
    assert!(open(&proxy, ALICE).is_some());
    assert_eq!((single.count("started"), single.count("refused")), (2, 0));
}

/// Nobody waits for the process of somebody else.
#[test]
fn p5_another_user_does_not_wait() {
    let single = Single::new(
        "trap '' TERM; \"$@\"; rmdir $lock; sleep 1000; sleep 1000",
        "--both",
        &json!({}),
    );
    let proxy = single.serve(&[]);
    let id = open(&proxy, ALICE).unwrap();
    let headers = [ALICE, &[("Mcp-Session-Id", &*id)]].concat();
    let first = pid(&proxy, &headers);
    let shell: u32 = parent(first);
    send(proxy.port, "DELETE", PATH, &headers, b"");
    eventually("its lock is free", || !single.directory.path().join("lock").exists());
    pid(&proxy, &[("X-User-Id", "bob")]);
    assert!(is_alive(shell), "the first one is still ending");
}

fn parent(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Clients of both eras, one process at a time.
#[test]
fn p5_with_one_process_at_most_the_eras_take_turns() {
    let single = Single::new(SLOW, "--both", &json!({"maxProcesses": 1}));
    let proxy = single.serve(&[]);
    let busy = |answer: &Value| answer["error"]["code"] == -32000;
    for _ in 0..2 {
        let mut answer = Value::Null;
        eventually("the modern client has its turn", || {
            answer = modern(&proxy, Some("alice"), "pid");
            !busy(&answer)
        });
        text(&answer);
        eventually("the other client has its turn", || {
            let ask = call(1, "pid", &json!({}));
            answer = proxy.post_to(PATH, ALICE, &ask).answer_of_any_status();
            !busy(&answer)
        });
        text(&answer);
    }
    assert_eq!(single.count("refused"), 0);
}

/// The setting of an entry, and the option.
#[test]
fn p5_a_server_can_keep_one_era() {
    for by_option in [false, true] {
        let setting = |era: &str| if by_option { json!({}) } else { json!({"era": era}) };
        let option = |era: &'static str| if by_option { vec!["--era", era] } else { Vec::new() };

        let single = Single::new(SLOW, "--both", &setting("legacy"));
        let proxy = single.serve(&option("legacy"));
        // A client of either era begins with a handshake after this answer.
        for method in ["server/discover", "tools/list"] {
            let body = proxy.modern(json!({})).request(1, method, &json!({}));
            let headers = Modern::headers(&body);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            let refused = proxy.post_to(PATH, &headers, &body);
            assert_eq!(refused.status, 400);
            let code = refused.json()["error"]["code"].as_i64().unwrap();
            assert!(!(-32099..=-32020).contains(&code), "{code}");
        }
        pid(&proxy, ALICE);
        assert_eq!(single.count("started"), 1);

        let single = Single::new(SLOW, "--both", &setting("modern"));
        let proxy = single.serve(&option("modern"));
        let refused = proxy.post_to(PATH, ALICE, &initialize("2025-11-25", &json!({})));
        assert_eq!(refused.status, 400);
        let error = refused.json()["error"].clone();
        assert_eq!(error["code"], -32022);
        assert_eq!(error["data"], json!({"supported": ["2026-07-28"], "requested": "2025-11-25"}));
        let batch = json!([call(1, "pid", &json!({}))]);
        for body in [call(1, "pid", &json!({})), batch] {
            assert_eq!(proxy.post_to(PATH, ALICE, &body).status, 400);
        }
        let stream = [ALICE, &[("Accept", "text/event-stream")]].concat();
        assert_eq!(send(proxy.port, "GET", PATH, &stream, b"").status, 400);
        assert_eq!(single.count("started"), 0);
        text(&modern(&proxy, Some("alice"), "pid"));
    }
}
