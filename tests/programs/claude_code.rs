//! Claude Code.

use std::process::Command;

use crate::{
    desk::{Desk, version},
    model::TOOL,
    program::Program,
    run::{in_terminal, run},
};

pub(crate) struct ClaudeCode;

fn claude(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.native("@anthropic-ai/claude-code-linux-{}/claude", arguments);
    command
        .env("ANTHROPIC_BASE_URL", &desk.model)
        .env("ANTHROPIC_API_KEY", "sk-ant-stand-in")
        // The model is offered the tool itself instead of a search for tools.
        .env("ENABLE_TOOL_SEARCH", "false")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("DISABLE_AUTOUPDATER", "1");
    command
}

impl Program for ClaudeCode {
    fn name(&self) -> &'static str {
        "Claude Code"
    }

    fn version(&self) -> String {
        version("@anthropic-ai/claude-code")
    }

    fn set_up(&self, desk: &Desk) {
        run(&mut claude(desk, &["mcp", "add", "--transport", "http", "time", &desk.url]));
    }

    fn log_in(&self, desk: &Desk) -> String {
        // Without a terminal it refuses to wait for the browser.
        let command = claude(desk, &["mcp", "login", "time"]);
        in_terminal(&command, &[], |text| text.contains("Authenticated with"))
    }

    fn call(&self, desk: &Desk) -> String {
        let tool = format!("mcp__time__{TOOL}");
        run(&mut claude(desk, &["-p", "What time is it?", "--allowedTools", &tool]))
    }

    fn status(&self, desk: &Desk) -> Option<String> {
        Some(run(&mut claude(desk, &["mcp", "list"])))
    }
}
