//! MCP Inspector, without its pages.

use crate::{
    desk::{Desk, version},
    model::TOOL,
    program::Program,
    run::run,
};

const PACKAGE: &str = "@modelcontextprotocol/inspector";

pub(crate) struct Inspector;

impl Program for Inspector {
    fn name(&self) -> &'static str {
        "MCP Inspector CLI"
    }

    fn version(&self) -> String {
        version(PACKAGE)
    }

    fn set_up(&self, _desk: &Desk) {}

    fn call(&self, desk: &Desk) -> String {
        let mut command = desk.node(&format!("{PACKAGE}/clients/launcher/build/index.js"));
        command
            .args(["--cli", &desk.url, "--transport", "http", "--method", "tools/call"])
            .args(["--tool-name", TOOL, "--tool-arg", "timezone=UTC"])
            // Neither a terminal nor a keychain is here.
            .env("MCP_AUTO_OPEN_ENABLED", "true")
            .env("MCP_INSPECTOR_SECRET_STORE", "file");
        run(&mut command)
    }
}
