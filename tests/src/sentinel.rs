//! A real Redis with two replicas and three Sentinels of one test, gone when dropped.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::port::free_port;
use crate::redis::server_program;

/// The name of the master.
pub const NAME: &str = "gateway";

/// The time after which a Sentinel considers a silent node down, in milliseconds.
const DOWN_AFTER: u16 = 700;

/// Three nodes of Redis and three Sentinels. The first node starts as the master.
pub struct SentinelGroup {
    nodes: Vec<Process>,
    sentinels: Vec<Process>,
    _directory: TempDir,
}

struct Process {
    child: Child,
    port: u16,
}

impl SentinelGroup {
    /// Starts them, and waits until both replicas follow and the Sentinels know each other.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let [master, second, third, a, b, c] = [(); 6].map(|()| free_port());
        let node = |port: u16| Process { child: node(directory.path(), port, master), port };
        let nodes = [master, second, third].map(node).into();
        let sentinel = |port: u16| {
            wait_for(master);
            Process { child: sentinel(directory.path(), port, master), port }
        };
        let sentinels = [a, b, c].map(sentinel).into();
        let group = Self { nodes, sentinels, _directory: directory };
        group.await_all("both replicas", || group.knows_all());
        group
    }

    /// The URL of the master by way of the Sentinels.
    pub fn url(&self) -> String {
        let all: Vec<String> =
            self.sentinels.iter().map(|one| format!("127.0.0.1:{}", one.port)).collect();
        format!("redis+sentinel://{}/0?master={NAME}", all.join(","))
    }

    /// The URL of a node, past the Sentinels.
    pub fn node_url(&self, node: usize) -> String {
        format!("redis://127.0.0.1:{}/0", self.nodes[node].port)
    }

    /// The URL of a Sentinel as if it were Redis.
    pub fn sentinel_as_redis(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.sentinels[0].port)
    }

    /// Runs a command of `redis-cli` on a node and returns its output.
    pub fn cli(&self, node: usize, arguments: &[&str]) -> String {
        cli(self.nodes[node].port, arguments)
    }

    /// The node that most of the Sentinels name as the master.
    pub fn master(&self) -> usize {
        let named = |sentinel: &Process| {
            let told = cli(sentinel.port, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]);
            let port = told.lines().nth(1).and_then(|port| port.parse::<u16>().ok());
            self.nodes.iter().position(|node| Some(node.port) == port)
        };
        let mut named: Vec<usize> = self.sentinels.iter().filter_map(named).collect();
        named.sort_unstable();
        named[named.len() / 2]
    }

    /// Has the Sentinels make another node the master, and waits until they have.
    pub fn fail_over(&self) {
        let before = self.master();
        self.await_all("the failover begins", || {
            cli(self.sentinels[0].port, &["SENTINEL", "FAILOVER", NAME]).contains("OK")
                || self.master() != before
        });
        self.await_all("a new master", || self.master() != before);
    }

    /// Ends a node, as a crash would.
    pub fn kill(&mut self, node: usize) {
        end(&mut self.nodes[node].child);
    }

    /// Stops a node in its tracks, without closing its connections.
    pub fn pause(&self, node: usize) {
        signal(&self.nodes[node].child, "STOP");
    }

    /// Lets a node run on.
    pub fn resume(&self, node: usize) {
        signal(&self.nodes[node].child, "CONT");
    }

    /// Stops all Sentinels, without closing their connections.
    pub fn pause_sentinels(&self) {
        self.sentinels.iter().for_each(|sentinel| signal(&sentinel.child, "STOP"));
    }

    /// Waits until `done`.
    pub fn await_all(&self, what: &str, done: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !done() {
            assert!(Instant::now() < deadline, "waited too long for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn knows_all(&self) -> bool {
        let info = self.cli(0, &["INFO", "replication"]);
        let online = info.matches("state=online").count() == 2;
        online
            && self.sentinels.iter().all(|sentinel| {
                let state = cli(sentinel.port, &["SENTINEL", "MASTER", NAME]);
                let of = |name: &str| {
                    state.lines().skip_while(|line| *line != name).nth(1).map(str::to_owned)
                };
                of("num-slaves").as_deref() == Some("2")
                    && of("num-other-sentinels").as_deref() == Some("2")
            })
    }
}

impl Drop for SentinelGroup {
    fn drop(&mut self) {
        let all = self.sentinels.iter_mut().chain(&mut self.nodes);
        all.for_each(|process| end(&mut process.child));
    }
}

fn node(directory: &Path, port: u16, master: u16) -> Child {
    let own = directory.join(port.to_string());
    fs::create_dir(&own).expect("a directory");
    let (port, master_text) = (port.to_string(), master.to_string());
    let mut command = Command::new(server_program());
    command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--min-replicas-to-write", "1", "--min-replicas-max-lag", "5"]);
    command.args(["--repl-diskless-sync-delay", "0"]);
    if port != master_text {
        command.args(["--replicaof", "127.0.0.1", &master_text]);
    }
    command.current_dir(own).stdout(Stdio::null()).spawn().expect("redis-server is installed")
}

fn sentinel(directory: &Path, port: u16, master: u16) -> Child {
    let file = directory.join(format!("sentinel-{port}.conf"));
    let text = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor {NAME} 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds {NAME} {DOWN_AFTER}\n\
         sentinel failover-timeout {NAME} 3000\nsentinel parallel-syncs {NAME} 2\n"
    );
    fs::write(&file, text).expect("written");
    let mut command = Command::new(server_program());
    command.arg(file).arg("--sentinel").current_dir(directory);
    command.stdout(Stdio::null()).spawn().expect("redis-server is installed")
}

fn cli(port: u16, arguments: &[&str]) -> String {
    let mut command = Command::new("redis-cli");
    command.args(["-p", &port.to_string()]).args(arguments);
    let output = command.output().expect("redis-cli runs");
    String::from_utf8(output.stdout).expect("text")
}

fn wait_for(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "redis-server does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
