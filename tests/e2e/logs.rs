//! What is written down about a request: nothing secret.

use gateway_tests::{client::McpClient, stack::Stack};

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] = &[("no_log_has_a_credential", no_log_has_a_credential)];

/// Everything that was written while a person logged in and worked, searched for what is secret.
fn no_log_has_a_credential(stack: &Stack) {
    run(async {
        let client = McpClient::log_in(stack, "time", "logged-user").await;
        let code = stack.login_code("logged-user");
        let reply = client.call("tools/list", serde_json::json!({})).await;
        assert_eq!(reply.status, 200);
        let requests = stack.log("access.log");
        assert!(requests.contains("/authorize"), "the access log is not there");
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
