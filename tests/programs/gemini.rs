//! Gemini CLI. Its own OAuth refuses servers in private networks and below `.localhost`; the way to those is
//! mcp-remote.

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    desk::{Desk, NODE, native, package, version},
    program::Program,
    run::{in_terminal, run},
};

pub(crate) struct Gemini;

const FAILED: &str = "Failed to authenticate";

fn gemini(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.node("@google/gemini-cli/bundle/gemini.js");
    command
        // A model by name, since the choice of one is a question to a model as well.
        .args(["--skip-trust", "--model", "gemini-2.5-flash"])
        .args(arguments)
        .env("GEMINI_API_KEY", "x")
        .env("GOOGLE_GEMINI_BASE_URL", &desk.model);
    command
}

fn configure(desk: &Desk, server: Value) {
    let settings = json!({
        "mcpServers": { "time": server },
        "security": { "auth": { "selectedType": "gemini-api-key" }, "folderTrust": { "enabled": false } },
        "general": { "enableAutoUpdate": false },
        "privacy": { "usageStatisticsEnabled": false },
    });
    desk.write_home(".gemini/settings.json", &settings.to_string());
}

/// Logs in by its own OAuth. Returns the refusal, if that is on the screen.
fn refused(desk: &Desk) -> Option<String> {
    let typed = [("Type your message", "/mcp auth time")];
    let shown = in_terminal(&gemini(desk, &[]), &typed, |text| text.contains(FAILED));
    let from = shown.rfind(FAILED)?;
    // It wraps the line.
    let words = shown[from..].split_whitespace().take(24).collect::<Vec<_>>();
    words.join(" ").split_once("blocked.").map(|(told, _)| format!("{told}blocked."))
}

impl Program for Gemini {
    fn name(&self) -> &'static str {
        "Gemini CLI, by mcp-remote"
    }

    fn version(&self) -> String {
        version("@google/gemini-cli")
    }

    fn refusal(&self, desk: &Desk) -> Option<String> {
        configure(desk, json!({ "httpUrl": desk.url }));
        // On a busy machine its screen may be there before it takes commands.
        let told = (0..3).find_map(|_| refused(desk));
        Some(told.expect("it says why it refuses"))
    }

    fn set_up(&self, desk: &Desk) {
        let node = native(NODE);
        let script = package("mcp-remote/dist/proxy.js");
        // It keeps most of its environment from servers.
        let environment = json!({
            "NODE_EXTRA_CA_CERTS": desk.ca,
            "BROWSER": desk.path("bin/xdg-open"),
            "HOME": desk.path("home"),
        });
        let server = json!({ "command": node, "args": [script, desk.url], "env": environment });
        configure(desk, server);
    }

    fn call(&self, desk: &Desk) -> String {
        run(&mut gemini(desk, &["--yolo", "--prompt", "What time is it?"]))
    }
}
