//! Follows a package runner to the program that it executes, early enough to read the arguments before the
//! program can overwrite them with a title.

use std::path::PathBuf;

use parking_lot::Mutex;

use super::changes::Variable;
use super::direct::Shortcut;
use super::image::{Execution, Image};
use super::package_runner;

/// The maximum length of a chain of wrappers.
const DEPTH: usize = 10;

/// A package runner on its way to a program.
pub(in crate::process) struct Following {
    /// The process id of the package runner.
    leader: u32,
    /// The inodes of its standard input, output and error.
    pipes: [u64; 3],
    cwd: PathBuf,
    /// The environment that it was started with.
    env: Vec<Variable>,
    /// The latest program that it executed and that may be the server.
    seen: Mutex<Option<Image>>,
}

impl Following {
    /// Prepares to follow `leader`, which was started in this directory with this environment and these
    /// pipes.
    pub(in crate::process) fn new(
        leader: u32,
        cwd: PathBuf,
        env: Vec<Variable>,
        pipes: [u64; 3],
    ) -> Self {
        Self { leader, pipes, cwd, env, seen: Mutex::default() }
    }

    /// Returns the shortcut to the executed program, once the server has answered.
    pub(in crate::process) fn shortcut(&self) -> Option<Shortcut> {
        let execution = self.look()?;
        let seen = self.seen.lock();
        let image = seen.as_ref().filter(|image| image.execution == execution)?;
        // Other changes by the package runner cannot be told from those of the server itself.
        (image.cwd == self.cwd).then(|| Shortcut::new(image, &self.env))?
    }

    /// Looks for the executed program, and reads its image.
    pub(in crate::process) fn poll(&self) {
        let _seen = self.look();
    }

    /// Returns `true` if the package runner has executed a program that may be the server.
    pub(in crate::process) fn has_seen(&self) -> bool {
        self.seen.lock().is_some()
    }

    /// Reads the image of the executed program, unless it was read before.
    fn look(&self) -> Option<Execution> {
        let pid = self.server()?;
        let execution = Execution::of(pid)?;
        let mut seen = self.seen.lock();
        if seen.as_ref().is_none_or(|image| image.execution != execution) {
            // Checked only at first: servers redirect their pipes, so that nothing else writes to them.
            *seen = Image::of(pid).filter(|image| image.execution == execution && self.speaks(pid));
        }
        Some(execution)
    }

    /// Returns the first process of the chain that is not a wrapper.
    fn server(&self) -> Option<u32> {
        let mut pid = self.leader;
        for _ in 0..DEPTH {
            if !package_runner::is_wrapper(&command_line(pid)?) {
                return Some(pid);
            }
            let mut theirs = children(pid);
            if theirs.len() > 1 {
                theirs.retain(|process| self.speaks(*process));
            }
            // With several candidates, the server cannot be determined.
            pid = match theirs.as_slice() {
                [only] => *only,
                _ => return None,
            };
        }
        None
    }

    /// Returns `true` if a process has the pipes of the package runner. Install scripts have others.
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

/// Returns the processes of all threads of a process.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let pids = |list: String| {
        list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
    };
    lists.flat_map(pids).collect()
}
