//! The page of `--metrics-listen`, as Prometheus reads it.

use gateway_tests::exposition;
use serde_json::json;

use crate::client::send;
use crate::support::{Proxy, SERVER};

/// Dashboards and alerts know these names, types and labels: none is renamed, and each has a help text.
#[test]
fn every_metric_keeps_its_name_type_and_labels() {
    let port = gateway_tests::port::free_port();
    let proxy = Proxy::start(&["--metrics-listen", &format!("127.0.0.1:{port}")]);
    proxy.session().pid();
    // An answer that no server gave, and a method that nobody knows.
    assert_eq!(proxy.post_to("/nowhere/mcp", &[], &json!({})).status, 404);
    let unknown = json!({ "jsonrpc": "2.0", "id": 1, "method": "made/up\"" });
    assert_eq!(proxy.post(&[], &unknown).status, 400);
    let page = send(port, "GET", "/metrics", &[], b"");
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let page = String::from_utf8(page.body()).unwrap();
    let families = exposition::families(&page);
    let found: Vec<_> = families.iter().map(exposition::Family::signature).collect();
    let expected = [
        ("mcp_proxy_children", "gauge", vec!["server"]),
        ("mcp_proxy_sessions", "gauge", vec!["server"]),
        ("mcp_proxy_calls_in_flight", "gauge", vec!["server"]),
        ("mcp_proxy_bytes_total", "counter", vec!["server", "direction"]),
        ("mcp_proxy_restarts_total", "counter", vec!["server"]),
        ("mcp_proxy_server_up", "gauge", vec!["server"]),
        ("mcp_proxy_request_seconds", "histogram", vec!["server", "method", "status"]),
    ];
    assert_eq!(found, expected);
    let count = "mcp_proxy_request_seconds_count";
    for labels in [
        "server=\"server\",method=\"initialize\",status=\"200\"",
        "server=\"server\",method=\"notifications/initialized\",status=\"202\"",
        "server=\"server\",method=\"other\",status=\"400\"",
        "server=\"-\",method=\"other\",status=\"404\"",
    ] {
        assert!(page.contains(&format!("{count}{{{labels}}} 1\n")), "{labels}: {page}");
    }
    for bound in ["0.001", "0.005", "0.025", "0.1", "0.5", "2.5", "10", "60", "+Inf"] {
        assert!(page.contains(&format!("le=\"{bound}\"}}")), "{bound}: {page}");
    }
}

/// Before the first check there is nothing to say of one, and before the first start nothing of the server.
#[test]
fn checks_are_measured_once_there_are_any() {
    let [port, inner] = [0; 2].map(|_| gateway_tests::port::free_port());
    let address = |port| format!("127.0.0.1:{port}");
    let options = ["--metrics-listen", &address(port), "--inner-listen", &address(inner)];
    let proxy = Proxy::with_command(&options, &[SERVER, "--no-list"]);
    let page = || String::from_utf8(send(port, "GET", "/metrics", &[], b"").body()).unwrap();
    assert!(!page().contains("mcp_proxy_server_"), "{}", page());
    proxy.session().pid();
    assert!(page().contains("mcp_proxy_server_up{server=\"server\"} 1.0\n"), "{}", page());
    drop(proxy);
    let proxy = Proxy::with_command(&options, &["/no/such/program"]);
    assert_eq!(send(inner, "POST", "/servers/server/check", &[], b"").status, 200);
    let page = page();
    assert!(page.contains("mcp_proxy_server_up{server=\"server\"} 0.0\n"), "{page}");
    for name in ["timestamp", "duration"] {
        let name = format!("mcp_proxy_server_check_{name}_seconds");
        assert!(page.contains(&format!("{name}{{server=\"server\"}} ")), "{page}");
        let families = exposition::families(&page);
        let family = families.iter().find(|family| family.signature().0 == name);
        assert_eq!(family.unwrap().signature().1, "gauge");
    }
    drop(proxy);
}
