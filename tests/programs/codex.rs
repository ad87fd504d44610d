//! Codex.

use std::process::Command;

use crate::{
    desk::{Desk, native, version},
    program::Program,
    run::run,
};

pub(crate) struct Codex;

fn codex(desk: &Desk, arguments: &[&str]) -> Command {
    let machine = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let program = format!("@openai/codex-linux-{{}}/vendor/{machine}/bin/codex");
    let mut command = desk.command(native(&program));
    command.args(arguments).env("CODEX_CA_CERTIFICATE", &desk.ca).env("STAND_IN_KEY", "x");
    command
}

impl Program for Codex {
    fn name(&self) -> &'static str {
        "Codex"
    }

    fn version(&self) -> String {
        version("@openai/codex")
    }

    fn ca_variable(&self) -> &'static str {
        "CODEX_CA_CERTIFICATE"
    }

    fn set_up(&self, desk: &Desk) {
        let config = format!(
            "model = \"stand-in\"\nmodel_provider = \"stand-in\"\nmcp_oauth_credentials_store = \"file\"\n\
             [model_providers.stand-in]\nname = \"stand-in\"\nbase_url = \"{}/v1\"\n\
             wire_api = \"responses\"\nenv_key = \"STAND_IN_KEY\"\n",
            desk.model
        );
        desk.write_home(".codex/config.toml", &config);
    }

    fn log_in(&self, desk: &Desk) -> String {
        let known = run(&mut codex(desk, &["mcp", "list"])).contains(&desk.url);
        // The first login belongs to adding the server.
        let add = ["mcp", "add", "time", "--url", &desk.url];
        let log_in = ["mcp", "login", "time"];
        run(&mut codex(desk, if known { &log_in } else { &add }))
    }

    fn call(&self, desk: &Desk) -> String {
        let options =
            ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"];
        run(codex(desk, &options).arg("What time is it?"))
    }

    fn status(&self, desk: &Desk) -> Option<String> {
        let list = run(&mut codex(desk, &["mcp", "list"]));
        list.lines().find(|line| line.starts_with("time")).map(str::to_owned)
    }
}
