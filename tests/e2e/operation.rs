//! Servers come and go by an edit of one file.

use std::time::{Duration, Instant};

use gateway_tests::{
    client::{McpClient, Reply},
    stack::Stack,
    wait::eventually,
};
use serde_json::{Value, json};

use crate::{
    Scenario,
    doctor::{examine, of, program},
    run,
};

pub const SCENARIOS: &[Scenario] = &[
    ("a_server_is_added_by_an_entry_in_the_file", a_server_is_added),
    ("the_server_that_was_checked_is_the_one_that_answers", the_checked_server_answers),
    ("b_the_quickstart_prints_its_names_for_the_hosts_file", hosts_line),
    ("a_program_that_cannot_be_started_is_a_json_rpc_error", an_unspawnable_program),
    ("the_operator_sees_and_checks_the_servers_of_the_proxy", servers_are_checked),
];

/// Programs that resolve names without the C library read `/etc/hosts`; the doctor says so, too.
fn hosts_line(stack: &Stack) {
    let output = stack.quickstart(&["hosts"]);
    let line = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((names[0], line.lines().count()), ("127.0.0.1", 1), "{line}");
    for url in [stack.issuer(), stack.url("time"), stack.url("everything")] {
        let host = url::Url::parse(url).unwrap();
        assert!(names.contains(&host.host_str().unwrap()), "{url}: {line}");
    }
    let (_, findings) = examine(&mut program(stack, &["doctor", "--json", "--ca", stack.ca()]));
    let listed = std::fs::read_to_string("/etc/hosts").unwrap();
    let all = names[1..].iter().all(|name| listed.split_whitespace().any(|one| one == *name));
    let told = of(&findings, "dns").iter().any(|finding| {
        finding["remedy"].as_str().is_some_and(|remedy| remedy.contains("scripts/quickstart hosts"))
    });
    assert_eq!(told, !all, "{findings:#?}");
}

/// auth-service asks the proxy on its socket, which the quickstart sets up.
fn servers_are_checked(stack: &Stack) {
    let json = |arguments: &[&str]| -> (Option<i32>, Value) {
        let output = stack.quickstart(&[&["admin", "server"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{output:?}")))
    };
    let (code, checked) = json(&["check", "time", "--json"]);
    assert_eq!((code, &checked["servers"][0]["health"]), (Some(0), &json!("ok")), "{checked}");
    let mcp = &checked["servers"][0]["mcp"];
    assert!(mcp["name"].is_string() && mcp["tools"].as_u64() > Some(0), "{checked}");
    let (_, tools) = json(&["tools", "time", "--json"]);
    let names = tools["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]);
    assert!(names.into_iter().any(|name| name == "get_current_time"), "{tools}");
    let (_, list) = json(&["list", "--json"]);
    let servers = list["servers"].as_array().unwrap();
    let time = servers.iter().find(|server| server["name"] == "time").unwrap();
    assert_eq!(time["report"]["proxy"], "proxy", "{list}");
    let missing = stack.quickstart(&["admin", "server", "check", "nowhere"]);
    assert_eq!(missing.status.code(), Some(3), "{missing:?}");
}

/// The scenarios run side by side and edit one file.
static EDITING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Writes an entry of `mcp-servers.json`.
pub(crate) async fn edit(stack: &Stack, name: &str, entry: Value) {
    let _editing = EDITING.lock().await;
    let path = stack.path("mcp-servers.json");
    let mut file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    file["mcpServers"][name] = entry;
    let draft = stack.path("mcp-servers.json.draft");
    std::fs::write(&draft, serde_json::to_string_pretty(&file).unwrap()).unwrap();
    std::fs::rename(draft, &path).unwrap();
}

/// Waits until a request to `url` without a token is answered with a challenge that has `part`.
pub(crate) async fn challenged(stack: &Stack, url: &str, part: &str) {
    let http = client_of(stack, url);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let reply = Reply::read(http.post(url)).await;
        if reply.status == 401 && reply.header("www-authenticate").contains(part) {
            return;
        }
        assert!(Instant::now() < deadline, "{url} is not known: {reply:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Adds a server; answers its URL once auth-service knows it.
async fn add(stack: &Stack, name: &str, entry: Value) -> String {
    edit(stack, name, entry).await;
    let url = stack.url("time").replace("//time.", &format!("//{name}."));
    challenged(stack, &url, "").await;
    url
}

/// Adds a server at `url` and waits until both programs know it.
pub(crate) async fn publish(stack: &Stack, name: &str, entry: Value, url: &str) {
    edit(stack, name, entry).await;
    challenged(stack, url, "").await;
    let reply = list_tools(&client(stack, url, "alice").await).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

fn client_of(stack: &Stack, url: &str) -> reqwest::Client {
    let host = url::Url::parse(url).unwrap().host_str().unwrap().to_owned();
    let pem = std::fs::read(stack.ca()).unwrap();
    let port = url::Url::parse(stack.issuer()).unwrap().port_or_known_default().unwrap();
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .no_proxy()
        .resolve(&host, ([127, 0, 0, 1], port).into())
        .build()
        .unwrap()
}

/// A client of a server that was added, logged in as `name`.
pub(crate) async fn client(stack: &Stack, url: &str, name: &str) -> McpClient {
    let client = McpClient::log_in_to(stack, url, name).await;
    McpClient { http: client_of(stack, url), ..client }
}

/// Asks until the proxy, too, has noticed the edit.
async fn list_tools(client: &McpClient) -> Reply {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let reply = client.call("tools/list", json!({})).await;
        if reply.status != 404 {
            return reply;
        }
        assert!(Instant::now() < deadline, "{reply:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn a_server_is_added(stack: &Stack) {
    run(async {
        let entry = json!({ "command": "mcp-server-time", "args": ["--local-timezone", "UTC"] });
        let url = add(stack, "clock", entry).await;
        let client = client(stack, &url, "alice").await;
        let tools = list_tools(&client).await;
        assert_eq!(tools.body["result"]["tools"].as_array().map(Vec::len), Some(2), "{tools:?}");
    });
}

/// Never a hang, never a 5xx to a probe; the error names the server, and the log knows why.
fn an_unspawnable_program(stack: &Stack) {
    run(async {
        let url = add(stack, "broken", json!({ "command": "there-is-no-such-program" })).await;
        let client = client(stack, &url, "alice").await;
        let reply = list_tools(&client).await;
        assert!(!reply.status.is_server_error(), "{reply:?}");
        assert_eq!(reply.body["id"], 1);
        assert!(reply.body["error"]["message"].as_str().unwrap().contains("broken"), "{reply:?}");
        eventually("the log names the program", || {
            stack.log("proxy.log").contains("there-is-no-such-program")
        });
    });
}

/// `/mcp/mcp` on the host of one server also reads as the path of a server named `mcp`: the token is
/// checked for the one, and the one answers.
fn the_checked_server_answers(stack: &Stack) {
    run(async {
        add(stack, "mcp", json!({ "command": "mcp-server-sequential-thinking" })).await;
        let mut client = McpClient::log_in(stack, "time", "alice").await;
        client.url = format!("{}/mcp", client.url);
        let reply = client.call("tools/list", json!({})).await;
        let tools = reply.body["result"]["tools"].to_string();
        assert!(tools.contains("get_current_time") && !tools.contains("thinking"), "{reply:?}");
    });
}
