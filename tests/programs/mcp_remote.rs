//! mcp-remote, for programs that know servers on standard input and output alone.

use std::process::Stdio;

use serde_json::json;

use crate::{
    desk::{Desk, version},
    model::TOOL,
    program::Program,
    run::Running,
};

pub(crate) struct McpRemote;

impl Program for McpRemote {
    fn name(&self) -> &'static str {
        "mcp-remote"
    }

    fn version(&self) -> String {
        version("mcp-remote")
    }

    fn set_up(&self, _desk: &Desk) {}

    fn call(&self, desk: &Desk) -> String {
        let mut command = desk.node("mcp-remote/dist/proxy.js");
        let mut running = Running::start(command.arg(&desk.url).stdin(Stdio::piped()));
        let client = json!({ "name": "tests", "version": "1" });
        let hello =
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let call = json!({ "name": TOOL, "arguments": { "timezone": "UTC" } });
        let request = |id: u64, method: &str, params: &serde_json::Value| {
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
        };
        running.enter(&request(1, "initialize", &hello));
        running.until(|text| text.contains("\"id\":1"));
        running
            .enter(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
        running.enter(&request(2, "tools/call", &call));
        running.until(|text| text.contains("\"id\":2"));
        running.text()
    }
}
