//! A server that dies in the middle of a call.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use gateway_tests::{client::McpClient, stack::Stack};
use serde_json::json;

use crate::{Scenario, run};

pub const SCENARIOS: &[Scenario] =
    &[("a_killed_server_is_an_error_and_the_next_call_works", a_killed_server)];

/// The server-everything processes under the proxy.
fn children(proxy: u32) -> Vec<u32> {
    let mut all: Vec<u32> = Vec::new();
    for task in fs::read_dir(format!("/proc/{proxy}/task")).unwrap() {
        let list = fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        all.extend(list.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
    }
    all.retain(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("everything")
    });
    all.sort_unstable();
    all
}

/// A client of a person of its own, and that person's process. Other tests start processes, too: a person
/// is taken at whose first call no other one started.
async fn client_with_process(stack: &Stack) -> (McpClient, u32) {
    for attempt in 0..20 {
        let client = McpClient::log_in(stack, "everything", &format!("killer-{attempt}")).await;
        let before = children(stack.pid("proxy"));
        assert_eq!(client.call("tools/list", json!({})).await.status, 200);
        let mut new = children(stack.pid("proxy"));
        new.retain(|pid| !before.contains(pid));
        assert!(!new.is_empty(), "a person without a process");
        if let [pid] = *new {
            return (client, pid);
        }
    }
    panic!("other processes started each time");
}

fn a_killed_server(stack: &Stack) {
    run(async {
        let (client, pid) = client_with_process(stack).await;
        let long = json!({
            "name": "trigger-long-running-operation",
            "arguments": { "duration": 30, "steps": 30 },
        });
        let begun = Instant::now();
        let (reply, ()) = tokio::join!(client.call("tools/call", long), async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let kill = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
            assert!(kill.unwrap().success());
        });
        assert!(begun.elapsed() < Duration::from_secs(20), "the caller was left waiting");
        assert!(reply.body["error"]["message"].is_string(), "{reply:?}");
        assert_eq!(reply.body["id"], 1);
        let next = client.call("tools/list", json!({})).await;
        assert!(next.body["result"]["tools"].is_array(), "{next:?}");
    });
}
