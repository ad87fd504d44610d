//! What the operator sees: a line for each request, and nothing of what it says.

use std::process::Command;
use std::thread;

use serde_json::json;

use crate::support::{PROXY, Proxy, call, eventually, text};

/// The lines of the access log about a request.
fn lines(proxy: &Proxy, request: &str) -> Vec<String> {
    let mark = format!("request={request}");
    let log = proxy.log();
    let lines = log.lines().filter(|line| line.contains(" access]") && line.contains(&mark));
    lines.map(str::to_owned).collect()
}

/// The value of a key in a line of log.
fn number(line: &str, key: &str) -> u64 {
    let value = line.split(&format!("{key}=")).nth(1).unwrap_or_else(|| panic!("{key}: {line}"));
    value.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn each_request_is_logged_with_who_what_and_how_long_but_not_with_what_it_says() {
    let proxy = Proxy::start(&[]);
    let headers = |request: &'static str| [("X-User-Id", "github:7"), ("X-Request-Id", request)];
    let ask = call(1, "sleep", &json!({"ms": 50, "say": "a-secret"}));
    assert_eq!(text(&proxy.post(&headers("r-1"), &ask).answer().1), "a-secret");
    eventually("it is logged", || lines(&proxy, "r-1").len() == 1);
    let line = &lines(&proxy, "r-1")[0];
    for part in ["server=server", "principal=github:7", "tools/call sleep 200", "status=200"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(number(line, "micros") >= 50_000, "{line}");
    let refused = proxy.post(&[("X-Request-Id", "r-2")], &ask);
    assert_eq!(refused.status, 400);
    eventually("it is logged too", || lines(&proxy, "r-2").len() == 1);
    assert!(lines(&proxy, "r-2")[0].contains("status=400"));
    let page = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "line\nbreak", "arguments": {}}});
    proxy.post(&headers("r-3"), &page).answer();
    eventually("no line can be forged", || lines(&proxy, "r-3").len() == 1);
    assert!(lines(&proxy, "r-3")[0].contains("line?break"));
    assert!(!proxy.log().contains("a-secret"));
}

/// The duration of a stream is the time until its end.
#[test]
fn a_stream_is_logged_when_it_ends() {
    let proxy = Proxy::start(&["--stream-after", "0.01"]);
    let headers = [("X-User-Id", "u"), ("X-Request-Id", "long")];
    thread::scope(|scope| {
        let ask = call(1, "sleep", &json!({"ms": 600, "say": "x"}));
        let (proxy, headers) = (&proxy, &headers);
        let slow = scope.spawn(move || proxy.post(headers, &ask).answer().1);
        eventually("it is in flight", || proxy.state()["calls"] == 1);
        assert!(lines(proxy, "long").is_empty());
        assert_eq!(text(&slow.join().unwrap()), "x");
    });
    eventually("it is logged", || lines(&proxy, "long").len() == 1);
    assert!(number(&lines(&proxy, "long")[0], "micros") >= 600_000);
}

/// For containers; no server is started for it.
#[test]
fn the_program_asks_after_its_own_health() {
    let proxy = Proxy::start(&[]);
    let listen = format!("127.0.0.1:{}", proxy.port);
    let asks = |listen: &str| {
        let mut command = Command::new(PROXY);
        command.arg("healthcheck").env("MCP_PROXY_LISTEN", listen).output().unwrap()
    };
    assert!(asks(&listen).status.success());
    assert!(asks(&format!("0.0.0.0:{}", proxy.port)).status.success());
    assert_eq!(proxy.state()["pids"], json!([]));
    let refused = asks("127.0.0.1:1");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nothing answers at 127.0.0.1:1"));
}

/// Where a gateway has one name for all servers, the path names the only one, too.
#[test]
fn one_server_answers_at_its_own_path() {
    let proxy = Proxy::with(&["--name", "clock", "--", crate::support::SERVER], &[]);
    let ask = call(1, "pid", &json!({}));
    let headers = [("X-User-Id", "u")];
    assert_eq!(proxy.post_to("/clock/mcp", &headers, &ask).status, 200);
    assert_eq!(proxy.post_to("/mcp", &headers, &ask).status, 200);
    assert_eq!(proxy.post_to("/other/mcp", &headers, &ask).status, 404);
}
