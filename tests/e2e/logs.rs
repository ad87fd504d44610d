//! What is written down about a request: nothing secret.

use gateway_tests::{client::McpClient, stack::Stack, wait::eventually};

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] = &[("no_log_has_a_credential", no_log_has_a_credential)];

/// Everything that was written while a person logged in and worked, searched for what is secret.
fn no_log_has_a_credential(stack: &Stack) {
    run(async {
        let client = McpClient::log_in(stack, "time", "logged-user").await;
        let code = stack.login_code("logged-user");
        let reply = client.call("tools/list", serde_json::json!({})).await;
        assert_eq!(reply.status, 200);
        // The log threads write in order: after this request's line, the earlier ones are there too.
        let last = stack.url("time").replace("/mcp", "/the-last-request");
        let answer = stack.http().get(&last).bearer_auth(&client.token).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        eventually("the access log is written", || {
            stack.log("access.log").contains("/the-last-request")
        });
        assert!(
            stack.log("access.log").contains("/authorize"),
            "the login is not in the access log"
        );
        eventually("the login is in the audit log", || {
            stack.log("auth-service.log").contains("logged-user")
        });
        let logs = ["access.log", "traefik.log", "auth-service.log", "proxy.log"];
        for name in logs {
            let text = stack.log(name);
            for secret in [&client.token, &code] {
                assert!(!text.contains(secret.as_str()), "{name}");
            }
            for parameter in ["code=", "state=", "code_challenge=", "Bearer "] {
                assert!(!text.contains(parameter), "{name} has {parameter}");
            }
        }
    });
}
