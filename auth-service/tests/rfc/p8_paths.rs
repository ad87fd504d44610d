//! `/verify` asks for a login only for what is served behind it.

use serde_json::json;

use crate::support::{Gateway, TIME};

#[tokio::test]
async fn p8_what_the_proxy_does_not_serve_is_not_found_before_a_login() {
    let gateway = Gateway::start();
    gateway.set_servers(&json!({
        "time": { "command": "x" },
        "api": { "command": "x", "resource": "https://api.gw.example/v1/tools" },
        "bare": { "command": "x", "resource": "https://bare.gw.example" },
        "native": { "url": "http://127.0.0.1:1/mcp" },
        "off": { "command": "x", "disabled": true },
    }));
    for (url, status) in [
        ("https://time.gw.example/mcp", 401),
        ("https://time.gw.example/mcp/", 401),
        ("https://time.gw.example/mcp/?x=1", 401),
        ("https://time.gw.example/mcp/mcp", 401),
        ("https://time.gw.example/mcp/mcp/x", 404),
        ("https://time.gw.example/mcp/x", 404),
        ("https://time.gw.example/mcp/sse", 404),
        ("https://time.gw.example/mcpx", 404),
        ("https://time.gw.example/MCP", 404),
        ("https://time.gw.example/", 404),
        ("https://time.gw.example/healthz", 404),
        ("https://api.gw.example/v1/tools", 401),
        ("https://api.gw.example/v1/tools/", 401),
        ("https://api.gw.example/v1/tools/mcp/", 401),
        ("https://api.gw.example/v1/tools/x", 404),
        ("https://api.gw.example/mcp", 404),
        ("https://bare.gw.example/", 401),
        ("https://bare.gw.example/mcp/", 401),
        ("https://bare.gw.example/servers", 404),
        ("https://bare.gw.example/x/mcp", 404),
        ("https://native.gw.example/mcp", 401),
        ("https://native.gw.example/mcp/x", 401),
        ("https://off.gw.example/mcp", 404),
        ("https://nothing.gw.example/mcp", 404),
    ] {
        let answer = gateway.forwarded(url, &[]).await;
        assert_eq!(answer.status, status, "{url}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{url}");
    }
}

/// Also with a token, which is good for the whole server.
#[tokio::test]
async fn p8_a_token_changes_nothing_about_what_is_served() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    for (url, status) in
        [(TIME.to_owned(), 200), (format!("{TIME}/"), 200), (format!("{TIME}/x"), 404)]
    {
        assert_eq!(gateway.verify(&url, &token).await.status, status, "{url}");
    }
}
