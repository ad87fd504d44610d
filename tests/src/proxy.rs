//! The proxy alone, without the gateway in front of it.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stack::root;

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running proxy; dropped, it is asked to end, with all its servers.
pub struct Proxy {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl Proxy {
    /// One that serves `servers`, the `mcpServers` of its file.
    pub fn serving(servers: &Value, options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("mcp-servers.json");
        std::fs::write(&file, json!({ "mcpServers": servers }).to_string()).expect("written");
        let log = File::create(directory.path().join("log")).expect("a log");
        let process = Command::new(program())
            .args(["--listen", "127.0.0.1:0", "--config"])
            .arg(&file)
            .args(options)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program().display()));
        let mut proxy = Self { process, port: 0, directory };
        let start = Instant::now();
        while proxy.port == 0 {
            assert!(start.elapsed() < PATIENCE, "it does not listen: {}", proxy.log());
            std::thread::sleep(Duration::from_millis(5));
            proxy.port = proxy.listening().unwrap_or(0);
        }
        proxy
    }

    fn listening(&self) -> Option<u16> {
        let log = self.log();
        let line = log.lines().find_map(|line| line.split("listening on 127.0.0.1:").nth(1))?;
        line.trim().parse().ok()
    }

    /// The URL of a server.
    pub fn url(&self, server: &str) -> String {
        format!("http://127.0.0.1:{}/{server}/mcp", self.port)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _asked = Command::new("kill").args(["-TERM", &pid]).status();
        let _ended = self.process.wait();
    }
}

/// The program of the quickstart; `scripts/test` builds it.
fn program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    target.join("quickstart/mcp-stdio-proxy")
}
