//! The paths of the endpoint: those that clients write, and whatever the gateway lets through.

use serde_json::json;

use crate::client::send;
use crate::config::File;
use crate::support::{Modern, Proxy, SERVER, call, initialize, text};

/// `tools/list` of 2026-07-28 at `path`.
fn modern_status(proxy: &Proxy, path: &str, headers: &[(&str, &str)]) -> u16 {
    let body = proxy.modern(json!({})).request(1, "server/discover", &json!({}));
    let own = Modern::headers(&body);
    let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: Vec<_> = own.chain(headers.iter().copied()).collect();
    proxy.post_to(path, &headers, &body).status
}

#[test]
fn p8_a_slash_at_the_end_changes_nothing() {
    let proxy = Proxy::of_era("--dual", &[]);
    for path in ["/mcp", "/mcp/", "/mcp/?x=1", "/server/mcp", "/server/mcp/", "/"] {
        let opened = proxy.post_to(path, &[], &initialize("2025-11-25", &json!({})));
        assert_eq!(opened.status, 200, "{path}");
        let session = [("Mcp-Session-Id", opened.header("mcp-session-id").unwrap())];
        let answer = proxy.post_to(path, &session, &call(1, "pid", &json!({}))).answer().1;
        assert!(text(&answer).parse::<u32>().is_ok(), "{path}: {answer}");
        let stream = [session[0], ("Accept", "text/event-stream")];
        assert_eq!(send(proxy.port, "GET", path, &stream, b"").status, 200, "{path}");
        assert_eq!(send(proxy.port, "DELETE", path, &session, b"").status, 204, "{path}");
        assert_eq!(send(proxy.port, "PUT", path, &[], b"").status, 405, "{path}");
        assert_eq!(modern_status(&proxy, path, &[]), 200, "{path}");
    }
    for path in ["/mcp/x", "/mcp//", "/server", "/server/", "/other/mcp/", "/MCP", "/mcp/mcp/mcp"] {
        let answer = proxy.post_to(path, &[], &initialize("2025-11-25", &json!({})));
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[test]
fn p8_with_a_file_a_slash_at_the_end_changes_nothing() {
    let file = File::new(&json!({"one": {"command": SERVER, "args": ["--one"]}}));
    let proxy = Proxy::with(&["--config", file.path(), "--allow-host", "*.gw.example"], &[]);
    for (path, host) in [("/one/mcp/", "localhost"), ("/mcp/", "one.gw.example")] {
        let headers = [("X-User-Id", "u"), ("Host", host)];
        let answer = proxy.post_to(path, &headers, &call(1, "args", &json!({}))).answer().1;
        assert_eq!(text(&answer), "--one", "{path}");
    }
}

/// A server may have any URL; the gateway has checked that the request is for it.
#[test]
fn p8_what_the_gateway_lets_through_is_served() {
    let file = File::new(&json!({"one": {"command": SERVER, "args": ["--one"]}}));
    let configured = Proxy::with(&["--config", file.path()], &[]);
    let single = Proxy::with_command(&["--name", "one"], &[SERVER, "--one"]);
    for proxy in [&configured, &single] {
        for path in
            ["/api/tools", "/api/tools/", "/mcp/below", "/servers", "/healthz", "/a/b/c/mcp"]
        {
            let headers = [("X-User-Id", "u"), ("X-MCP-Server", "one")];
            let answer = proxy.post_to(path, &headers, &call(1, "args", &json!({}))).answer().1;
            assert_eq!(text(&answer), "--one", "{path}");
            assert_eq!(modern_status(proxy, path, &headers), 200, "{path}");
            let empty = [("X-User-Id", "u"), ("X-MCP-Server", "")];
            let refused = proxy.post_to(path, &empty, &call(1, "args", &json!({})));
            assert!([404, 405].contains(&refused.status), "{path}");
        }
        assert_eq!(send(proxy.port, "GET", "/healthz", &[], b"").status, 200);
    }
}
