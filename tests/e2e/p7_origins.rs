//! Pages of other origins, and URLs with a slash at the end, through Traefik, /verify and the proxy.

use gateway_tests::{
    client::{McpClient, Reply},
    stack::Stack,
};
use reqwest::Method;
use serde_json::json;

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] = &[
    ("p7_a_page_whose_preflight_is_answered_is_served", a_page_is_served),
    ("p8_a_slash_at_the_end_is_served_after_the_login", a_slash_at_the_end),
];

/// The list of the quickstart is `*`.
fn a_page_is_served(stack: &Stack) {
    run(async {
        let page = [("Origin", "https://app.example")];
        let preflight = stack
            .http()
            .request(Method::OPTIONS, stack.url("time"))
            .header(page[0].0, page[0].1)
            .header("Access-Control-Request-Method", "POST");
        assert_eq!(Reply::read(preflight).await.status, 200);
        let client = McpClient::log_in(stack, "time", "alice").await;
        let reply = client.call_with("tools/list", json!({}), &page).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        // One header of each name: the proxy leaves them to Traefik.
        for name in ["access-control-allow-origin", "access-control-expose-headers"] {
            assert_eq!(reply.headers.get_all(name).iter().count(), 1, "{name}");
        }
    });
}

fn a_slash_at_the_end(stack: &Stack) {
    run(async {
        let mut client = McpClient::log_in(stack, "time", "alice").await;
        let url = client.url.clone();
        for (path, status) in [("", 200), ("/", 200), ("/mcp", 200), ("/x", 404)] {
            client.url = format!("{url}{path}");
            let reply = client.call("tools/list", json!({})).await;
            assert_eq!(reply.status, status, "{path}: {reply:?}");
            let unknown = Reply::read(stack.http().post(&client.url)).await;
            let asks = if status == 200 { 401 } else { 404 };
            assert_eq!(unknown.status, asks, "{path}: {unknown:?}");
        }
    });
}
