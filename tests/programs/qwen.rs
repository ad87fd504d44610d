//! Qwen Code.

use std::process::Command;

use serde_json::json;

use crate::{
    desk::{Desk, version},
    program::Program,
    run::{in_terminal, run},
};

pub(crate) struct Qwen;

const DOWN: &str = "\u{1b}[B";

fn qwen(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.node("@qwen-code/qwen-code/cli-entry.js");
    command
        .args(arguments)
        .env("OPENAI_API_KEY", "x")
        .env("OPENAI_BASE_URL", format!("{}/v1", desk.model))
        .env("OPENAI_MODEL", "stand-in");
    command
}

impl Program for Qwen {
    fn name(&self) -> &'static str {
        "Qwen Code"
    }

    fn version(&self) -> String {
        version("@qwen-code/qwen-code")
    }

    fn set_up(&self, desk: &Desk) {
        let settings = json!({
            "mcpServers": { "time": { "httpUrl": desk.url } },
            "security": { "auth": { "selectedType": "openai" }, "folderTrust": { "enabled": false } },
            "general": { "enableAutoUpdate": false },
            "privacy": { "usageStatisticsEnabled": false },
            "tools": { "toolSearch": { "enabled": false } },
        });
        desk.write_home(".qwen/settings.json", &settings.to_string());
    }

    fn log_in(&self, desk: &Desk) -> String {
        // Its dialog of servers: the first one, and the third action for it.
        let typed = [
            ("MCP offline", "/mcp"),
            ("Enter to select", ""),
            ("Authenticate", DOWN),
            ("Authenticate", DOWN),
            ("Authenticate", ""),
        ];
        let before = desk.pages().len();
        in_terminal(&qwen(desk, &[]), &typed, |_| desk.has_come_back(before))
    }

    fn call(&self, desk: &Desk) -> String {
        run(&mut qwen(desk, &["--yolo", "--prompt", "What time is it?"]))
    }

    fn status(&self, desk: &Desk) -> Option<String> {
        let list = run(&mut qwen(desk, &["mcp", "list"]));
        list.lines().find(|line| line.contains("time:")).map(str::to_owned)
    }
}
