//! The program that a process executes, with its arguments and environment, as execve(2) takes them.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use super::confinement::Confinement;
use super::launcher;
use super::locate::locate;
use super::spawn_error::Reason;
use crate::config::catalogue::ResourceLimits;

/// A program with its arguments and environment.
#[derive(Clone)]
pub struct Invocation {
    /// The command or its path.
    pub command: String,
    /// The value of `argv[0]`, if it differs from the program.
    pub name: Option<String>,
    /// The arguments of the program.
    pub args: Vec<String>,
    /// The complete environment of the program.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory.
    pub cwd: Option<PathBuf>,
    /// The user id and group id of the process.
    pub identity: (Option<u32>, Option<u32>),
}

impl Invocation {
    /// Returns `true` if the program exists.
    pub(super) fn exists(&self) -> bool {
        locate(&self.command, self.cwd.as_deref(), &self.env).is_ok()
    }

    /// Returns the command that executes the program through the launcher.
    pub(super) fn command(
        &self,
        limits: &ResourceLimits,
        confinement: Confinement,
    ) -> Result<Command, Reason> {
        if let Some(cwd) = &self.cwd {
            let metadata = std::fs::metadata(cwd);
            let is_usable = metadata.and_then(|found| {
                if found.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
            });
            is_usable.map_err(|error| Reason::Directory(cwd.clone(), error))?;
        }
        // The launcher could not report a missing program.
        let program = locate(&self.command, self.cwd.as_deref(), &self.env)?;
        let mut command = Command::new(launcher::PROGRAM);
        command
            .args(launcher::arguments(self.name.as_deref(), limits, confinement))
            .arg(program)
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if let (Some(user), _) = self.identity {
            command.uid(user);
        }
        if let (_, Some(group)) = self.identity {
            command.gid(group);
        }
        Ok(command)
    }
}
