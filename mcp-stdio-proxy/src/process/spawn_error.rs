//! Failures to start a server process, as operators and clients see them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::locate::NotFound;

/// A failure to start a server. `Display` is meant for the operator.
#[derive(Debug, thiserror::Error)]
#[error("cannot start server \"{server}\": {reason}")]
pub struct SpawnError {
    server: Arc<str>,
    reason: Reason,
}

/// The reason why a process cannot be started, with the path.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The program cannot be executed.
    #[error(transparent)]
    Program(#[from] NotFound),
    /// The working directory is unusable.
    #[error("its directory {} cannot be used: {}", .0.display(), .1)]
    Directory(PathBuf, io::Error),
    /// The operating system returned an error.
    #[error("the operating system refused: {0}")]
    System(#[from] io::Error),
}

impl Reason {
    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Program(error) => error.kind(),
            Self::Directory(_, error) | Self::System(error) => error.kind(),
        }
    }
}

impl SpawnError {
    /// Creates the error for `server`.
    #[must_use]
    pub fn new(server: &Arc<str>, reason: Reason) -> Self {
        Self { server: Arc::clone(server), reason }
    }

    /// Returns the message for clients, with the kind of failure but without the command line.
    #[must_use]
    pub fn public(&self) -> String {
        let why = match self.reason.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                "its command or directory does not exist"
            }
            io::ErrorKind::PermissionDenied => "its command may not be executed",
            _ => "the operating system refused",
        };
        format!("server \"{}\" cannot be started: {why}", self.server)
    }
}
