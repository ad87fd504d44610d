//! opencode.

use std::process::Command;

use serde_json::json;

use crate::{
    desk::{Desk, version},
    program::Program,
    run::run,
};

pub(crate) struct OpenCode;

fn opencode(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.native("opencode-linux-{}/bin/opencode", arguments);
    command.env("OPENCODE_DISABLE_AUTOUPDATE", "1").env("OPENCODE_DISABLE_MODELS_FETCH", "1");
    command
}

impl Program for OpenCode {
    fn name(&self) -> &'static str {
        "opencode"
    }

    fn version(&self) -> String {
        version("opencode-ai")
    }

    fn set_up(&self, desk: &Desk) {
        let options = json!({ "baseURL": format!("{}/v1", desk.model), "apiKey": "x" });
        let config = json!({
            "model": "stand-in/stand-in",
            "small_model": "stand-in/stand-in",
            "autoupdate": false,
            "share": "disabled",
            "provider": { "stand-in": {
                "npm": "@ai-sdk/openai-compatible",
                "options": options,
                "models": { "stand-in": { "tool_call": true } },
            }},
            "mcp": { "time": { "type": "remote", "url": desk.url, "enabled": true } },
        });
        desk.write_home(".config/opencode/opencode.json", &config.to_string());
    }

    fn log_in(&self, desk: &Desk) -> String {
        run(&mut opencode(desk, &["mcp", "auth", "time"]))
    }

    fn call(&self, desk: &Desk) -> String {
        run(&mut opencode(desk, &["run", "What time is it?"]))
    }

    fn status(&self, desk: &Desk) -> Option<String> {
        let list = run(&mut opencode(desk, &["mcp", "list"]));
        list.lines().find(|line| line.contains("time ")).map(str::to_owned)
    }
}
