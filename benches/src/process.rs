//! A program under measurement, and what `/proc` says of it (proc(5)).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long a program may take to listen.
const START: Duration = Duration::from_secs(30);
/// How long it may take to end when asked.
const END: Duration = Duration::from_secs(4);

/// A running program, which leads a process group. Dropped, it is ended with all it started.
pub struct Program {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until it accepted a connection.
    pub listening: Duration,
    started: Instant,
}

impl Program {
    /// Starts `command`, which is to listen on `address`; its output goes to `log`.
    pub fn start(command: &mut Command, address: SocketAddr, log: &Path) -> anyhow::Result<Self> {
        let file = File::create(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let since = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        loop {
            if TcpStream::connect(address).is_ok() {
                let listening = since.elapsed();
                return Ok(Self { child, address, listening, started: since });
            }
            let is_over = since.elapsed() > START;
            if is_over || child.try_wait()?.is_some() {
                let log = fs::read_to_string(log)?;
                end(&mut child);
                bail!("{command:?} does not listen on {address}:\n{log}");
            }
            std::thread::sleep(Duration::from_micros(250));
        }
    }

    /// Asks it over HTTP for `path`; from its start until the answer began.
    pub fn answering(&self, path: &str) -> std::io::Result<Duration> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        stream.read_exact(&mut [0])?;
        Ok(self.started.elapsed())
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Asks, waits, insists; the last signal also reaches what the program left behind in its group.
fn end(child: &mut Child) {
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    // Each may find nobody left.
    let _gone = kill_process(pid, Signal::TERM);
    let deadline = Instant::now() + END;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _gone = kill_process_group(pid, Signal::KILL);
    let _gone = child.wait();
}

/// The memory of `pid` that is in use, in bytes.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes << 10)
}

/// The processor time of one moment: of a program alone, and of what it started.
pub struct Usage {
    own: HashMap<String, u64>,
    children: HashMap<String, u64>,
}

/// The processor time between two moments, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// By the program alone.
    pub own: u64,
    /// By what it started.
    pub children: u64,
}

impl Usage {
    /// Reads it.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let mut children = HashMap::new();
        for child in descendants(pid)? {
            // It may have ended in the meantime.
            children.extend(threads(child).unwrap_or_default());
        }
        Ok(Self { own: threads(pid)?, children })
    }

    /// What was spent since `before`, by the threads that are still there.
    #[must_use]
    pub fn since(&self, before: &Self) -> Spent {
        let sum = |now: &HashMap<String, u64>, then: &HashMap<String, u64>| {
            now.iter()
                .map(|(id, spent)| spent - then.get(id).copied().unwrap_or(0).min(*spent))
                .sum()
        };
        Spent { own: sum(&self.own, &before.own), children: sum(&self.children, &before.children) }
    }
}

/// User and system time of each thread, in nanoseconds: finer than the ticks of `stat`.
fn threads(pid: u32) -> anyhow::Result<HashMap<String, u64>> {
    let mut times = HashMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path();
        let Ok(text) = fs::read_to_string(path.join("schedstat")) else { continue };
        let spent = text.split(' ').next().context("an empty schedstat")?.parse()?;
        times.insert(path.display().to_string(), spent);
    }
    Ok(times)
}

/// All processes below `pid`.
pub fn descendants(pid: u32) -> anyhow::Result<Vec<u32>> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        for thread in fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten() {
            let list = fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
            found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        at += 1;
    }
    found.remove(0);
    Ok(found)
}
