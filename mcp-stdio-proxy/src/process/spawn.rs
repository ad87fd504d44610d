//! Start of a server process in a process group of its own (stdio transport; credentials by environment).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::unix::pipe;

use super::activity::Activity;
use super::confinement::Confinement;
use super::diagnostics::Diagnostics;
use super::follow_runner::follow;
use super::handler_slot::HandlerSlot;
use super::input_writer::InputWriter;
use super::lifecycle::Lifecycle;
use super::pool::ProcessPool;
use super::pressure::Pressure;
use super::program::{Origin, Program};
use super::quota::Permit;
use super::reader::Reader;
use super::shortcut::Following;
use super::spawn_error::{Reason, SpawnError};
use super::start_record::StartRecord;
use super::supervise::{Group, Supervisor};
use super::{Calls, Process, stderr, stdin};

/// The size of the pipe for stdout. A large pipe needs fewer context switches.
const PIPE: usize = 256 << 10;

impl ProcessPool {
    /// Starts a process and registers it.
    pub fn spawn(
        self: &Arc<Self>,
        program: &Program,
        permit: Permit,
    ) -> Result<Arc<Process>, SpawnError> {
        self.register(|| program.spawn(permit, self))
    }
}

impl Program {
    pub(super) fn spawn(
        &self,
        permit: Permit,
        pool: &Arc<ProcessPool>,
    ) -> Result<Arc<Process>, SpawnError> {
        self.start(permit, pool).map_err(|reason| SpawnError::new(&self.server, reason))
    }

    fn start(&self, permit: Permit, pool: &Arc<ProcessPool>) -> Result<Arc<Process>, Reason> {
        let confinement = if self.confine { pool.confinement } else { Confinement::Off };
        let mut os_process = self.invocation.command(&self.limits, confinement)?.spawn()?;
        let pid = os_process.id().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let [input, output, errors] = pipes(&mut os_process)?;
        let following = self.following(pid, [&input, &output, &errors])?;
        // A smaller pipe is merely slower.
        let _size = rustix::pipe::fcntl_setpipe_size(&output, PIPE);
        let output = pipe::Receiver::from_owned_fd(output)?;
        let errors = pipe::Receiver::from_owned_fd(errors)?;
        let process = Arc::new(self.process(pid, stdin::Stdin::new(input)?, permit, following));
        log::info!(server = &*self.server, pid; "{}[{pid}] started", self.server);
        self.watch(&process, os_process, (output, errors), pool);
        Ok(process)
    }

    /// Returns the process `pid`, which was just started.
    fn process(
        &self,
        pid: u32,
        stdin: stdin::Stdin,
        permit: Permit,
        following: Option<Following>,
    ) -> Process {
        static GENERATION: AtomicU64 = AtomicU64::new(1);
        let lifecycle = Arc::new(Lifecycle::default());
        let activity = Arc::new(Activity::new(Arc::clone(&self.traffic)));
        Process {
            generation: GENERATION.fetch_add(1, Ordering::Relaxed),
            pid,
            server: Arc::clone(&self.server),
            config: Arc::clone(&self.config),
            start: StartRecord::new(permit, following, self.origin == Origin::Memory),
            calls: Calls::new(self.call_limit),
            input: InputWriter::new(
                Arc::clone(&self.server),
                stdin,
                Arc::clone(&activity),
                Arc::clone(&lifecycle),
            ),
            lifecycle,
            activity,
            handler: HandlerSlot::default(),
            pressure: Pressure::default(),
            diagnostics: Diagnostics::new(self.explain),
        }
    }

    /// Starts the tasks that read the output of `process` and wait for its end.
    fn watch(
        &self,
        process: &Arc<Process>,
        os_process: tokio::process::Child,
        (output, errors): (pipe::Receiver, pipe::Receiver),
        pool: &Arc<ProcessPool>,
    ) {
        let (server, pid) = (Arc::clone(&self.server), process.pid);
        tokio::spawn(stderr::drain(server, pid, errors, Arc::clone(&process.diagnostics.stderr)));
        tokio::spawn(Reader::new(Arc::clone(process), self.line_limit).run(output));
        let supervisor = Supervisor {
            process: Arc::clone(process),
            group: Group::of(pid),
            timeouts: self.stop_timeouts,
            pool: Arc::clone(pool),
        };
        tokio::spawn(supervisor.run(os_process));
        if self.origin == Origin::PackageRunner {
            tokio::spawn(follow(Arc::downgrade(process)));
        }
    }

    /// Returns the state to follow a package runner, if this is one. `pipes` are the proxy's ends.
    fn following(&self, leader: u32, pipes: [&OwnedFd; 3]) -> io::Result<Option<Following>> {
        if self.origin != Origin::PackageRunner {
            return Ok(None);
        }
        let invocation = &self.invocation;
        let cwd = invocation.cwd.as_deref().unwrap_or(Path::new(".")).canonicalize()?;
        let [input, output, errors] = pipes.map(inode);
        Ok(Some(Following::new(leader, cwd, invocation.env.clone(), [input?, output?, errors?])))
    }

    /// Returns `true` if the program exists.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.invocation.exists()
    }
}

fn inode(pipe: &OwnedFd) -> io::Result<u64> {
    Ok(File::from(pipe.try_clone()?).metadata()?.ino())
}

/// Takes the proxy's ends of the pipes to the standard input, output and error of a process.
fn pipes(os_process: &mut tokio::process::Child) -> io::Result<[OwnedFd; 3]> {
    let lost = || io::Error::other("a pipe of the process is missing");
    Ok([
        os_process.stdin.take().ok_or_else(lost)?.into_owned_fd()?,
        os_process.stdout.take().ok_or_else(lost)?.into_owned_fd()?,
        os_process.stderr.take().ok_or_else(lost)?.into_owned_fd()?,
    ])
}

#[cfg(test)]
pub(super) mod testing {
    use super::super::quota::{Claim, Quota};
    use super::*;
    use crate::config::catalogue::{ResourceLimits, ServerConfig};
    use crate::config::settings::StopTimeouts;
    use crate::process::Invocation;

    /// Returns a process without a program, and the end of its input that the program would read.
    pub(in crate::process) fn process() -> (Arc<Process>, pipe::Receiver) {
        let quota = Quota::new(1, 1);
        let claim = Claim { server: "x".into(), of_server: 1, user: None };
        let program = Program {
            server: "x".into(),
            invocation: Invocation {
                command: String::new(),
                name: None,
                args: Vec::new(),
                env: Vec::new(),
                cwd: None,
                identity: (None, None),
            },
            limits: ResourceLimits::default(),
            confine: false,
            line_limit: 1 << 20,
            call_limit: 10,
            stop_timeouts: StopTimeouts::default(),
            explain: false,
            traffic: Arc::default(),
            origin: Origin::Configuration,
            config: Arc::new(ServerConfig::of_command(String::new(), Vec::new())),
        };
        let (read, write) = rustix::pipe::pipe().unwrap();
        let stdin = stdin::Stdin::new(write).unwrap();
        let process = program.process(0, stdin, quota.take(&claim).unwrap(), None);
        (Arc::new(process), pipe::Receiver::from_owned_fd(read).unwrap())
    }
}
