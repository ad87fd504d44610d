//! The official SDKs as clients of the proxy, each in every way it can find out what a server speaks.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use gateway_tests::{proxy::Proxy, stack::root};
use serde_json::Value;

use crate::servers::Ask;

/// Calls of each tool.
pub const ROUNDS: usize = 2;
/// The newest revision with a handshake.
const LEGACY: &str = "2025-11-25";
/// The first without.
const MODERN: &str = "2026-07-28";

/// An SDK, told how to open.
pub struct Client {
    /// Its name, its version and its mode.
    pub name: &'static str,
    /// What it must end up speaking with any server.
    pub revision: &'static str,
    program: fn() -> Vec<PathBuf>,
    mode: &'static str,
}

/// All of them.
pub const CLIENTS: [Client; 10] = [
    client("Python 2.3 auto", MODERN, python_2, "auto"),
    client("Python 2.3 legacy", LEGACY, python_2, "legacy"),
    client("TypeScript 2.4 auto", MODERN, typescript, "auto"),
    client("TypeScript 2.4 pinned", MODERN, typescript, "pinned"),
    client("TypeScript 2.4 legacy", LEGACY, typescript, "legacy"),
    client("TypeScript 1.32", LEGACY, typescript, "1"),
    client("Python 1.30", LEGACY, python_1, "-"),
    client("Rust 3.11 Initialize", LEGACY, rust, "initialize"),
    client("Rust 3.11 Discover", MODERN, rust, "discover"),
    client("Rust 3.11 Auto", MODERN, rust, "auto"),
];

const fn client(
    name: &'static str,
    revision: &'static str,
    program: fn() -> Vec<PathBuf>,
    mode: &'static str,
) -> Client {
    Client { name, revision, program, mode }
}

fn python_2() -> Vec<PathBuf> {
    python("client-python-2")
}

fn python_1() -> Vec<PathBuf> {
    python("client-python-1")
}

fn python(tools: &str) -> Vec<PathBuf> {
    let python = root().join(".tools").join(tools).join("bin/python");
    vec![python, root().join("tests/clients/python/direct.py")]
}

fn typescript() -> Vec<PathBuf> {
    vec!["node".into(), root().join("tests/clients/typescript/direct.mjs")]
}

fn rust() -> Vec<PathBuf> {
    // Beside this test: target/debug/deps/…, target/debug/direct.
    let test = env::current_exe().expect("this program");
    vec![test.parent().and_then(Path::parent).expect("target/debug").join("direct")]
}

impl Client {
    /// Asks everything of `asks` as `user`, who answers `mark`.
    pub fn drive(&self, proxy: &Proxy, user: &str, mark: &str, asks: &[Ask]) -> Vec<Value> {
        let program = (self.program)();
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).args([self.mode, user]);
        command.env("ROUNDS", ROUNDS.to_string()).env("MARK", mark);
        for ask in asks {
            command.args([&proxy.url(ask.server), ask.tool, &ask.arguments.to_string()]);
        }
        let Output { status, stdout, stderr } = command.output().expect("the client runs");
        let (text, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{}: {text}\n{errors}\n{}", self.name, proxy.log());
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}
