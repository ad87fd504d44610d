//! The program of a server process, and its limits.

use std::sync::Arc;

use super::invocation::Invocation;
use super::traffic::Traffic;
use crate::config::catalogue::{ResourceLimits, ServerConfig};
use crate::config::settings::StopTimeouts;

/// The origin of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command of the entry.
    Configuration,
    /// The command of the entry, which is a package runner.
    PackageRunner,
    /// The command that a package runner executed earlier.
    Memory,
}

/// The program to start, and its limits.
#[derive(Clone)]
pub struct Program {
    /// The name of the server.
    pub server: Arc<str>,
    /// The program to execute, with its arguments and environment.
    pub invocation: Invocation,
    /// The resource limits.
    pub limits: ResourceLimits,
    /// `true` to confine the process with Landlock.
    pub confine: bool,
    /// The maximum length of an output line.
    pub line_limit: usize,
    /// The maximum number of pending requests.
    pub call_limit: usize,
    /// The timeouts of the shutdown.
    pub stop_timeouts: StopTimeouts,
    /// `true` if clients may see the last lines of stderr when the process fails.
    pub explain: bool,
    /// The counters for the bytes of the process.
    pub traffic: Arc<Traffic>,
    /// The origin of the command line.
    pub origin: Origin,
    /// The entry that the process is started for.
    pub config: Arc<ServerConfig>,
}
