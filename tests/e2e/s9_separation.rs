//! What a hostile server of the quickstart reads of the gateway's programs, and of the process of another
//! person (proc(5), landlock(7)).

use gateway_tests::{
    client::McpClient,
    github::FakeGitHub,
    stack::{Stack, root},
    wait::eventually,
};
use serde_json::json;

use crate::{Scenario, edge::as_root, operation, run};

pub const SCENARIOS: &[Scenario] = &[
    ("s9_a_server_reads_no_secret_of_the_gateway_or_of_another_person", a_hostile_server),
    ("s9_each_program_has_only_its_own_variables", variables_of_programs),
];

async fn read(client: &McpClient, path: &str) -> String {
    let params = json!({ "name": "read", "arguments": { "path": path } });
    let reply = client.call("tools/call", params).await;
    let text = reply.body["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

fn a_hostile_server(stack: &Stack) {
    run(async {
        let fixture = root().join("tests/fixtures/reader.py");
        let url = stack.url("time").replace("//time.", "//reader.");
        let entry = json!({ "command": "python3", "args": [fixture] });
        operation::publish(stack, "reader", entry, &url).await;
        let alice = operation::client(stack, &url, "alice").await;
        let bob = operation::client(stack, &url, "bob").await;
        let own = read(&alice, "/proc/self/environ").await;
        assert!(own.contains("PATH=") && !own.contains("REDIS"), "{own}");
        assert!(!own.contains(FakeGitHub::CLIENT.1), "{own}");
        let stat = read(&bob, "/proc/self/stat").await;
        let of_bob: u32 = stat.split(' ').next().unwrap().parse().unwrap();
        let confined = stack.log("proxy.log").contains("Landlock keeps them from")
            || stack.log("proxy.log").contains("is confined by Landlock");
        let mut others = vec![stack.pid("auth-service"), stack.pid("proxy")];
        if confined {
            others.extend([stack.pid("traefik"), stack.pid("redis"), of_bob]);
        } else {
            eventually("the log warns", || {
                stack.log("proxy.log").contains("not separated from each other")
            });
        }
        for pid in others {
            for file in ["environ", "maps", "mem"] {
                let outcome = read(&alice, &format!("/proc/{pid}/{file}")).await;
                assert!(outcome.starts_with("denied: "), "{pid} {file}: {outcome}");
            }
        }
    });
}

fn variables_of_programs(stack: &Stack) {
    let environment = |name: &str| {
        let text = as_root("cat", &format!("/proc/{}/environ", stack.pid(name)));
        String::from_utf8_lossy(&text).replace('\0', "\n")
    };
    let all = ["GITHUB_CLIENT_SECRET=", "REDIS_URL=", "SIGNING_KEY_FILE=", "AUTH_URL="];
    for (name, own) in
        [("auth-service", &all[..3]), ("proxy", &[]), ("traefik", &all[3..]), ("redis", &[])]
    {
        let environment = environment(name);
        for variable in all {
            let has = environment.lines().any(|line| line.starts_with(variable));
            assert_eq!(has, own.contains(&variable), "{name} {variable}");
        }
    }
}
