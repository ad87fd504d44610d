//! A token opens one server, until it is revoked.

use gateway_tests::{client::McpClient, stack::Stack};
use serde_json::json;

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] = &[
    ("a_token_for_one_server_is_refused_by_another", a_token_for_one_server),
    ("a_revoked_token_is_refused_on_the_next_request", a_revoked_token),
];

fn a_token_for_one_server(stack: &Stack) {
    run(async {
        let mut client = McpClient::log_in(stack, "time", "alice").await;
        assert_eq!(client.call("tools/list", json!({})).await.status, 200);
        client.url = stack.url("git").to_owned();
        let reply = client.call("tools/list", json!({})).await;
        assert_eq!(reply.status, 401);
        let challenge = reply.header("www-authenticate");
        assert!(challenge.contains("//git.mcp.localhost") && challenge.contains("invalid_token"));
    });
}

fn a_revoked_token(stack: &Stack) {
    run(async {
        let client = McpClient::log_in(stack, "time", "revoked-user").await;
        let other = McpClient::log_in(stack, "time", "other-user").await;
        assert_eq!(client.call("tools/list", json!({})).await.status, 200);
        let listed = stack.quickstart(&["admin", "token", "list"]);
        assert!(String::from_utf8_lossy(&listed.stdout).contains("local:revoked-user"));
        let revoked =
            stack.quickstart(&["admin", "token", "revoke", "--yes", "--user", "revoked-user"]);
        assert!(revoked.status.success(), "{revoked:?}");
        let reply = client.call("tools/list", json!({})).await;
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").contains("error=\"invalid_token\""));
        assert_eq!(other.call("tools/list", json!({})).await.status, 200);
    });
}
