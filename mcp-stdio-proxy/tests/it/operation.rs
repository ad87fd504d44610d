//! What the operator sees: a line for each request, and nothing of what it says.

use std::thread;

use serde_json::json;

use crate::support::{Proxy, call, eventually, text};

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
