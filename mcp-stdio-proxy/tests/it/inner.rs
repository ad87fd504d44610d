//! The inner interface: the state of servers, their tools, and checks on demand.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use gateway_tests::port::free_port;
use serde_json::{Value, json};

use crate::client::send;
use crate::config::File;
use crate::support::{Proxy, SERVER, eventually};

/// A proxy with an inner interface at a port.
struct Inner {
    proxy: Proxy,
    port: u16,
}

impl Inner {
    fn start(options: &[&str], command: &[&str]) -> Self {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let options = [&["--inner-listen", listen.as_str()], options].concat();
        Self { proxy: Proxy::with_command(&options, command), port }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let response = send(self.port, method, path, headers, b"");
        (response.status, response.json())
    }

    fn check(&self, server: &str) -> Value {
        let (status, report) = self.ask("POST", &format!("/servers/{server}/check"), &[]);
        assert_eq!(status, 200, "{report}");
        report
    }

    fn report(&self) -> Value {
        self.ask("GET", "/servers", &[]).1["servers"]["server"].clone()
    }

    fn tools(&self) -> Value {
        self.ask("GET", "/servers/server/tools", &[]).1
    }
}

/// Asks at a Unix socket; the status and the body.
fn ask_socket(path: &Path, request: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(path).unwrap();
    let head = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{request} {head}").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn a_check_starts_a_process_and_ends_it() {
    let inner = Inner::start(&[], &[SERVER]);
    assert_eq!(inner.report()["state"], "untried");
    assert_eq!(inner.tools()["tools"], Value::Null);
    let report = inner.check("server");
    assert_eq!(report["check"]["outcome"], "ok", "{report}");
    assert!(report["check"]["at"].as_u64().unwrap() > 1_700_000_000, "{report}");
    assert_eq!((&report["name"], &report["protocol"]), (&json!("faulty"), &json!("2025-11-25")));
    assert_eq!((&report["tools"], &report["state"]), (&json!(3), &json!("ok")));
    eventually("the process ends", || inner.report()["pids"] == json!([]));
    let tools = inner.tools();
    let names: Vec<_> = tools["tools"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["read_a", "write_b", "secret_c"]);
    assert_eq!(inner.report()["check"], report["check"]);
}

#[test]
fn a_check_asks_the_process_that_runs_and_leaves_it_alone() {
    let inner = Inner::start(&["--idle-timeout", "2"], &[SERVER]);
    let session = inner.proxy.session();
    let pid = session.pid();
    assert_eq!(inner.report()["name"], "faulty");
    let start = std::time::Instant::now();
    // Checks do not count as use: the process ends although it is checked all the time.
    eventually("the idle process ends", || {
        if inner.report()["pids"] != json!([pid]) {
            return true;
        }
        assert_eq!(inner.check("server")["check"]["outcome"], "ok");
        false
    });
    assert!(start.elapsed() >= std::time::Duration::from_secs(2));
}

#[test]
fn a_check_says_why_it_failed() {
    let inner = Inner::start(&[], &["/no/such/program"]);
    let report = inner.check("server");
    assert_eq!(report["check"]["outcome"], "failed");
    let why = report["check"]["error"].as_str().unwrap();
    assert!(why.contains("/no/such/program"), "{why}");
    assert_eq!((&report["tools"], &report["failures"]), (&Value::Null, &json!(1)));
}

#[test]
fn checks_at_the_same_time_are_one() {
    let inner = Inner::start(&[], &[SERVER, "--slow-list"]);
    let reports: Vec<Value> = thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| inner.check("server"))).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(reports.iter().all(|one| one["tools"] == 1), "{reports:?}");
    assert!(reports.iter().all(|one| one["check"] == reports[0]["check"]), "{reports:?}");
    // Its version is its process.
    assert!(reports.iter().all(|one| one["version"] == reports[0]["version"]), "{reports:?}");
}

#[test]
fn what_a_server_says_is_kept_within_bounds() {
    let inner = Inner::start(&[], &[SERVER, "--many-tools"]);
    assert_eq!(inner.check("server")["tools"], 1_000);
    let tools = inner.tools();
    assert_eq!(tools["truncated"], true);
    let first = &tools["tools"][0];
    assert_eq!(first["title"].as_str().unwrap().len(), 256);
    assert_eq!(first["description"].as_str().unwrap().len(), 1_000);
}

#[test]
fn tools_that_the_catalogue_hides_are_not_reported() {
    let file = File::new(&json!({"server": {"command": SERVER, "tools": {"deny": ["secret_*"]}}}));
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let args = ["--inner-listen", &listen, "--config", file.path()];
    let inner = Inner { proxy: Proxy::with(&args, &[]), port };
    assert_eq!(inner.check("server")["tools"], 2);
}

#[test]
fn the_era_of_a_server_does_not_matter() {
    for mode in ["--legacy", "--modern"] {
        let inner = Inner::start(&[], &[crate::support::ERA_SERVER, mode]);
        let report = inner.check("server");
        assert_eq!(report["check"]["outcome"], "ok", "{mode}: {report}");
        assert!(report["tools"].as_u64().unwrap() > 0, "{mode}: {report}");
        assert!(report["protocol"].is_string(), "{mode}: {report}");
    }
}

#[test]
fn a_user_a_page_and_a_foreign_name_are_refused() {
    let inner = Inner::start(&[], &[SERVER]);
    for headers in [
        [("X-User-Id", "github:7")],
        [("Origin", "http://127.0.0.1")],
        [("Sec-Fetch-Site", "same-origin")],
        [("Host", "evil.example:3001")],
    ] {
        for (method, path) in [
            ("GET", "/servers"),
            ("GET", "/servers/server/tools"),
            ("POST", "/servers/server/check"),
        ] {
            assert_eq!(inner.ask(method, path, &headers).0, 403, "{headers:?} {path}");
        }
    }
    assert_eq!(inner.report()["check"], Value::Null);
    assert_eq!(inner.ask("GET", "/servers", &[("Host", "proxy:3001")]).0, 200);
    assert_eq!(inner.ask("POST", "/servers/other/check", &[]).0, 404);
    assert_eq!(inner.ask("GET", "/servers/other/tools", &[]).0, 404);
    assert_eq!(inner.ask("GET", "/mcp", &[]).0, 404);
    // The public address has neither checks nor tools.
    let public = send(inner.proxy.port, "POST", "/servers/server/check", &[], b"");
    assert_eq!(public.status, 404);
}

#[test]
fn a_socket_is_for_its_group_and_replaces_a_stale_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("inner");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listen = format!("unix:{}", path.display());
    let mut proxy = Proxy::start(&["--inner-listen", &listen]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let (status, report) = ask_socket(&path, "GET /servers");
    assert_eq!((status, &report["servers"]["server"]["state"]), (200, &json!("untried")));
    assert_eq!(ask_socket(&path, "POST /servers/server/check").1["tools"], 3);
    assert!(proxy.terminate());
    assert!(!path.exists(), "the socket goes with the proxy");
}

/// The events are kept for a reader, who says up to where it has them.
#[test]
fn a_reader_gets_each_audit_event_once() {
    let inner = Inner::start(&["--audit-events=-session.*"], &[SERVER]);
    let session = inner.proxy.session();
    let read = |after: u64| {
        let (status, page) = inner.ask("GET", &format!("/audit?after={after}"), &[]);
        assert_eq!((status, &page["lost"]), (200, &json!(0)), "{page}");
        let tools = page["events"].as_array().unwrap().iter().map(|event| event["tool"].clone());
        (page["after"].as_u64().unwrap(), tools.collect::<Vec<_>>())
    };
    assert!(read(0).1.is_empty());
    session.call("pid", &json!({"secret": "in-the-arguments"}));
    session.call("cwd", &json!({}));
    let (last, tools) = read(0);
    assert_eq!(tools, ["pid", "cwd"]);
    assert_eq!(read(last - 1).1, ["cwd"]);
    assert_eq!(read(last), (last, Vec::new()));
    session.call("args", &json!({}));
    assert_eq!(read(last).1, ["args"]);
    assert_eq!(inner.ask("GET", "/audit", &[("X-User-Id", "github:7")]).0, 403);
    assert_eq!(send(inner.port, "GET", "/audit?after=x", &[], b"").status, 400);
}
