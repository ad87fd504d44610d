//! Cline's command line.

use std::process::Command;

use crate::{
    desk::{Desk, version},
    program::Program,
    run::{in_terminal, run},
};

pub(crate) struct Cline;

const PACKAGE: &str = "@cline/cli-linux-{}";

const DOWN: &str = "\u{1b}[B";

fn cline(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.native(&format!("{PACKAGE}/bin/cline"), arguments);
    command
        // Without the hub, a daemon that would outlive this test.
        .env("CLINE_SESSION_BACKEND_MODE", "local")
        .env("CLINE_NO_AUTO_UPDATE", "1");
    command
}

impl Program for Cline {
    fn name(&self) -> &'static str {
        "Cline CLI"
    }

    fn version(&self) -> String {
        version(PACKAGE)
    }

    fn set_up(&self, desk: &Desk) {
        let model = format!("{}/v1", desk.model);
        let provider = ["auth", "--provider", "openai-compatible", "--apikey", "x"];
        run(cline(desk, &provider).args(["--modelid", "stand-in", "--baseurl", &model]));
        let server = ["mcp", "install", "time", &desk.url, "--transport", "http", "--yes"];
        run(&mut cline(desk, &server));
    }

    fn log_in(&self, desk: &Desk) -> String {
        // Its dialog of servers: the fifth action, "Authorize OAuth", for the only server.
        let actions = DOWN.repeat(4);
        let typed = [("What would you like to do?", &*actions), ("Select remote server", "")];
        let before = desk.pages().len();
        let done = |text: &str| text.contains("authorization failed") || desk.has_come_back(before);
        in_terminal(&cline(desk, &["mcp"]), &typed, done)
    }

    fn call(&self, desk: &Desk) -> String {
        run(&mut cline(desk, &["What time is it?"]))
    }

    fn status(&self, desk: &Desk) -> Option<String> {
        // The first action of the dialog lists the servers.
        let typed = [("What would you like to do?", "")];
        let shown =
            in_terminal(&cline(desk, &["mcp"]), &typed, |text| text.contains("Settings file"));
        let error = shown.find("last OAuth error")?;
        // Its first sentence; the rest is a URL.
        shown[error..].split(". ").next().map(str::to_owned)
    }
}
