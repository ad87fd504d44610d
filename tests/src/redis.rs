//! A real Redis of one test, on a unix socket, gone when dropped.

use std::{
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::port::free_port;

/// A running `redis-server`.
pub struct Redis {
    process: Child,
    directory: TempDir,
}

impl Redis {
    /// Starts one and waits until it takes connections.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with `options` and waits until it takes connections.
    pub fn with(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let process = spawn(&directory, options);
        let redis = Self { process, directory };
        redis.wait();
        redis
    }

    /// Starts a node of a Redis Cluster, without slots.
    #[must_use]
    pub fn cluster_node() -> Self {
        // The usual port of the bus is 10,000 higher, which may not exist.
        let (port, bus) = (free_port().to_string(), free_port().to_string());
        let address = ["--port", &port, "--bind", "127.0.0.1"];
        let cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus];
        Self::with(&[address, cluster].concat())
    }

    /// The URL to reach it at.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket())
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("ended");
    }

    /// Starts it again, empty, at the same address.
    pub fn restart(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        self.process = spawn(&self.directory, &[]);
        self.wait();
    }

    /// Runs a command of `redis-cli` and returns its output.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-s", &self.socket()])
            .args(arguments)
            .output()
            .expect("redis-cli runs");
        assert!(output.status.success(), "redis-cli {arguments:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The path of its socket.
    pub fn socket(&self) -> String {
        self.directory.path().join("redis.sock").display().to_string()
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The program of a node: `redis-server`, or another one such as `valkey-server`.
#[expect(clippy::disallowed_methods, reason = "a choice of who runs the tests")]
pub(crate) fn server_program() -> String {
    std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned())
}

fn spawn(directory: &TempDir, options: &[&str]) -> Child {
    Command::new(server_program())
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", "redis.sock"])
        .args(options)
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
