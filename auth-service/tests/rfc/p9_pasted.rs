//! A configuration that was pasted from an MCP client is judged as mcp-stdio-proxy judges it.

use auth_service::servers::ServersFile;
use serde_json::{Value, json};

use crate::support::Gateway;

/// The names of the servers in a file with these entries, or what is wrong with it.
fn read(servers: &Value) -> Result<Vec<String>, String> {
    let gateway = Gateway::start();
    read_in(&gateway, &json!({ "mcpServers": servers }).to_string())
}

fn read_in(gateway: &Gateway, text: &str) -> Result<Vec<String>, String> {
    std::fs::write(&gateway.config.servers_file, text).unwrap();
    let listing = ServersFile::new(&gateway.config).read().map_err(|error| error.to_string())?;
    Ok(listing.offers.iter().map(|offer| offer.server.name.as_str().to_owned()).collect())
}

#[tokio::test]
async fn p9_a_disabled_server_is_not_published() {
    let names = read(&json!({
        "on": {"command": "x", "disabled": false, "autoApprove": [], "type": "stdio"},
        "remote": {"url": "https://x.example/mcp", "type": "streamable-http"},
        "off": {"command": "x", "disabled": true},
        "also-off": {"command": "x", "enabled": false},
    }));
    assert_eq!(names.unwrap(), ["on", "remote"]);
}

#[tokio::test]
async fn p9_what_the_proxy_refuses_is_refused_here_too() {
    let gateway = Gateway::start();
    for (key, value) in [
        ("headers", json!({"Authorization": "Bearer x"})),
        ("timeout", json!(60)),
        ("autoApprove", json!(["read"])),
        ("alwaysAllow", json!(["read"])),
        ("type", json!("sse")),
        ("type", json!("http")),
        ("url", json!("https://x.example/mcp")),
        ("comand", json!("x")),
        ("alow", json!(["alice"])),
        ("args", json!(5)),
        ("isolation", json!("none")),
        ("env", json!({"A": "${x y}"})),
    ] {
        let mut entry = json!({"command": "x"});
        entry[key] = value;
        let servers = json!({"mcpServers": {"good": {"command": "x"}, "pasted": entry}});
        let problem = read_in(&gateway, &servers.to_string()).unwrap_err();
        assert!(problem.contains("MCP_SERVERS_FILE: ") && problem.contains(":1:"), "{problem}");
        assert!(problem.contains("server \"pasted\": ") && problem.contains(key), "{problem}");
    }
    let twice = r#"{"mcpServers": {"a": {"command": "x", "allow": ["b"]}, "a": {"command": "x"}}}"#;
    assert!(read_in(&gateway, twice).unwrap_err().contains("server \"a\""));
    // All of it at once, the gateway's own rules included.
    let text = r#"{"mcpServers": {"a": {"command": "x", "allow": []}, "b": {"command": "x", "scopes": ["\""]}}}"#;
    let problem = read_in(&gateway, text).unwrap_err();
    assert!(
        problem.contains("server \"a\": allow") && problem.contains("server \"b\": scopes"),
        "{problem}"
    );
}
