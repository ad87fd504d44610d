//! Follows a finder to the program that it executes, early enough to read its arguments before it can write a
//! title over them.

use std::path::PathBuf;
use std::sync::Weak;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::changes::Variable;
use super::image::{Execution, Image};
use super::{Shortcut, finder};
use crate::child::Child;

/// How often is looked: interpreters take longer than this to begin with a program.
const OFTEN: Duration = Duration::from_millis(4);
/// The same once it takes long: most of that is an installation.
const LESS_OFTEN: Duration = Duration::from_millis(15);
/// How long is looked often.
const SOON: Duration = Duration::from_secs(5);
/// The longest chain of wrappers.
const DEPTH: usize = 10;

/// A finder on its way to a program.
pub(in crate::child) struct Following {
    /// The process of the finder.
    leader: u32,
    /// The inodes of its standard input, output and errors.
    pipes: [u64; 3],
    /// Its directory.
    cwd: PathBuf,
    /// Its environment.
    env: Vec<Variable>,
    /// What it seems to have executed.
    seen: Mutex<Option<Image>>,
}

/// Looks what the finder of `child` executes, until the child has answered or ended.
pub(in crate::child) async fn follow(child: Weak<Child>) {
    let start = Instant::now();
    loop {
        match child.upgrade() {
            Some(child) if !child.is_settled() => {
                child.following.as_ref().and_then(Following::look);
            }
            _ => return,
        }
        tokio::time::sleep(if start.elapsed() < SOON { OFTEN } else { LESS_OFTEN }).await;
    }
}

impl Following {
    /// Begins to follow `leader`, which was started in this directory with this environment and these pipes.
    pub(in crate::child) fn new(
        leader: u32,
        cwd: PathBuf,
        env: Vec<Variable>,
        pipes: [u64; 3],
    ) -> Self {
        Self { leader, pipes, cwd, env, seen: Mutex::default() }
    }

    /// Returns the way to repeat what was executed, once the server has answered.
    pub(in crate::child) fn shortcut(&self) -> Option<Shortcut> {
        let execution = self.look()?;
        let seen = self.seen.lock();
        let image = seen.as_ref().filter(|image| image.execution == execution)?;
        // What else the finder may have changed cannot be told from what the server did itself.
        (image.cwd == self.cwd).then(|| Shortcut::new(image, &self.env))?
    }

    /// Returns `true` if the finder has executed something that may be a server.
    pub(in crate::child) fn has_seen(&self) -> bool {
        self.seen.lock().is_some()
    }

    /// Reads what the finder has executed, unless it was read before.
    fn look(&self) -> Option<Execution> {
        let pid = self.server()?;
        let execution = Execution::of(pid)?;
        let mut seen = self.seen.lock();
        if seen.as_ref().is_none_or(|image| image.execution != execution) {
            // Only at first: servers put their pipes elsewhere, so that nothing else writes to them.
            *seen = Image::of(pid).filter(|image| image.execution == execution && self.speaks(pid));
        }
        Some(execution)
    }

    /// Returns the first process of the chain that is no wrapper.
    fn server(&self) -> Option<u32> {
        let mut pid = self.leader;
        for _ in 0..DEPTH {
            if !finder::is_wrapper(&command_line(pid)?) {
                return Some(pid);
            }
            let mut theirs = children(pid);
            if theirs.len() > 1 {
                theirs.retain(|child| self.speaks(*child));
            }
            // Which of several would be the server cannot be told.
            pid = match theirs.as_slice() {
                [only] => *only,
                _ => return None,
            };
        }
        None
    }

    /// Returns `true` if a process has the pipes of the finder: scripts of an installation have others.
    fn speaks(&self, pid: u32) -> bool {
        self.pipes.iter().enumerate().all(|(fd, inode)| {
            let link = std::fs::read_link(format!("/proc/{pid}/fd/{fd}"));
            link.is_ok_and(|link| link.to_str() == Some(&format!("pipe:[{inode}]")))
        })
    }
}

fn command_line(pid: u32) -> Option<Vec<String>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    let args = line.split(|byte| *byte == 0).map(|arg| String::from_utf8_lossy(arg).into());
    (!line.is_empty()).then(|| args.collect())
}

/// Returns the children of all threads of a process.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let pids = |list: String| {
        list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
    };
    lists.flat_map(pids).collect()
}
