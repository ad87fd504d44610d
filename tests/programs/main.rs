//! Programs that people use as MCP clients, each driven without a screen: login in a browser, a call of a tool,
//! refresh, revocation, and the next login. Language models and GitHub are stand-ins.
//!
//! `scripts/test --clients` runs it, in a network of its own without the internet.

mod claude_code;
mod cline;
mod codex;
mod copilot;
mod desk;
mod fastmcp;
mod gemini;
mod inspector;
mod internet;
mod journey;
mod mcp_remote;
mod model;
mod observed;
mod opencode;
mod program;
mod run;
mod table;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, OnceLock},
};

use gateway_tests::stack::Stack;
use libtest_mimic::{Arguments, Trial};
use tempfile::TempDir;

use crate::{
    desk::Desk,
    journey::{LIFETIME, Row},
    model::Model,
    program::Program,
};

/// The gateway and the model that all programs share.
struct Stage {
    stack: Stack,
    model: Model,
    _directory: TempDir,
}

impl Stage {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = internet::start(directory.path()).display().to_string();
        let stack = Stack::start_with(&[
            ("ACCESS_TOKEN_LIFETIME", &LIFETIME.to_string()),
            ("SSL_CERT_FILE", &authority),
        ]);
        keep_ready(&stack);
        Self { stack, model: Model::start(), _directory: directory }
    }
}

/// Lets the proxy hold a process of the server ready, since some programs ask their model before a slow server has
/// started.
fn keep_ready(stack: &Stack) {
    let path = stack.path("mcp-servers.json");
    let text = std::fs::read(&path).expect("the catalogue");
    let mut catalogue: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    catalogue["mcpServers"]["time"]["prewarm"] = serde_json::json!(1);
    std::fs::write(path, catalogue.to_string()).expect("written");
}

const PROGRAMS: &[&dyn Program] = &[
    &claude_code::ClaudeCode,
    &codex::Codex,
    &opencode::OpenCode,
    &copilot::Copilot,
    &cline::Cline,
    &gemini::Gemini,
    &mcp_remote::McpRemote,
    &inspector::Inspector,
    &fastmcp::FastMcp,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One after the other: they share an account, whose access is revoked.
    arguments.test_threads = Some(1);
    let stage = Arc::new(OnceLock::new());
    let rows = Arc::new(Mutex::new(Vec::new()));
    let trials = PROGRAMS.iter().map(|&program| {
        let (stage, rows) = (Arc::clone(&stage), Arc::clone(&rows));
        Trial::test(program.name(), move || {
            let mut row = Row {
                name: program.name(),
                version: program.version(),
                ca: program.ca_variable(),
                ..Row::default()
            };
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let stage: &Stage = stage.get().expect("the gateway runs");
                let desk = Desk::new(&stage.stack, &stage.model.url);
                journey::go(&stage.stack, program, &desk, &mut row);
            }));
            rows.lock().expect("rows").push(row);
            outcome.map_err(|_| "a step failed, see above".into())
        })
    });
    let trials = trials.collect();
    if !arguments.list {
        stage.get_or_init(Stage::start);
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    table::print(&rows.lock().expect("rows"));
    drop(stage);
    conclusion.exit_code()
}
