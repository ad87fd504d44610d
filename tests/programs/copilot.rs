//! GitHub Copilot CLI.

use std::process::Command;

use crate::{
    desk::{Desk, version},
    program::Program,
    run::{in_terminal, run},
};

pub(crate) struct Copilot;

fn copilot(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.native("@github/copilot-linux-{}/copilot", arguments);
    command
        .env("COPILOT_OFFLINE", "true")
        .env("COPILOT_PROVIDER_BASE_URL", format!("{}/v1", desk.model))
        .env("COPILOT_MODEL", "stand-in")
        .env("COPILOT_AUTO_UPDATE", "false")
        .env("COPILOT_ALLOW_ALL", "true");
    command
}

impl Program for Copilot {
    fn name(&self) -> &'static str {
        "GitHub Copilot CLI"
    }

    fn version(&self) -> String {
        version("@github/copilot")
    }

    fn set_up(&self, desk: &Desk) {
        run(&mut copilot(desk, &["mcp", "add", "--transport", "http", "time", &desk.url]));
    }

    fn log_in(&self, desk: &Desk) -> String {
        // It logs in when it starts, in its full screen alone.
        let before = desk.pages().len();
        in_terminal(&copilot(desk, &[]), &[], |_| desk.has_come_back(before))
    }

    fn call(&self, desk: &Desk) -> String {
        run(&mut copilot(desk, &["-p", "What time is it?"]))
    }
}
