//! No other program of the same user reads the settings of auth-service from its memory or environment
//! (prctl(2), `PR_SET_DUMPABLE`).
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::thread::{CapabilitySet, capabilities};

const SECRET: &str = "redis://:a-secret-of-the-gateway@127.0.0.1:1/0";

/// A process that is killed when dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        let command = command.env("REDIS_URL", SECRET).stdin(Stdio::piped());
        Self(command.stderr(Stdio::null()).spawn().expect("it runs"))
    }

    /// Reads `file` of the process as another program of this user does.
    fn read(&self, file: &str) -> Output {
        let path = format!("/proc/{}/{file}", self.0.id());
        unprivileged("cat").arg(path).output().expect("it runs")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Runs `program` without the capabilities that permit root everything. What it may read is then what
/// another user's programs may read of each other.
fn unprivileged(program: &str) -> Command {
    let over = CapabilitySet::SYS_PTRACE | CapabilitySet::SYS_ADMIN | CapabilitySet::PERFMON;
    if !capabilities(None).unwrap().permitted.intersects(over) {
        return Command::new(program);
    }
    let less = "-sys_ptrace,-sys_admin,-perfmon";
    let mut command = Command::new("setpriv");
    command.arg(format!("--bounding-set={less}")).arg(format!("--inh-caps={less}")).arg(program);
    command
}

/// Waits until `holds`, and says what was read last if it does not.
fn eventually(process: &Running, file: &str, holds: impl Fn(&Output) -> bool) {
    let start = Instant::now();
    loop {
        let output = process.read(file);
        if holds(&output) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{file}: {output:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn s9_no_program_of_the_same_user_can_read_auth_service() {
    let has_secret = |output: &Output| {
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains(SECRET)
    };
    let other = Running::start(unprivileged("sleep").arg("1000"));
    eventually(&other, "environ", has_secret);
    // It waits for its standard input.
    let program = env!("CARGO_BIN_EXE_auth-service");
    let mut service = Running::start(unprivileged(program).args(["restore", "-"]));
    for file in ["environ", "maps", "mem"] {
        eventually(&service, file, |output| {
            String::from_utf8_lossy(&output.stderr).contains("Permission denied")
        });
    }
    assert!(service.0.try_wait().unwrap().is_none(), "it still runs");
}
