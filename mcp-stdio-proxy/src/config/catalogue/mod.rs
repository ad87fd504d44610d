//! The catalogue of servers: one from the command line, or those of `mcp-servers.json`.

mod file;
mod template;
pub mod tool_view;
pub mod tools;
pub mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use file::{LoadError, load, parse};
use gateway_contract::revision::Era;
use tools::{StepUpTools, ToolRules};

/// The scope within which a server process is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// One process per user; without a user, one per session.
    Principal,
    /// One process per session.
    Session,
    /// One process for everyone, suitable only for stateless servers.
    Shared,
}

/// Resource limits of a server process.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct ResourceLimits {
    /// The maximum size of private memory in bytes (`RLIMIT_DATA`).
    pub memory: Option<u64>,
    /// The maximum number of open files (`RLIMIT_NOFILE`).
    pub files: Option<u64>,
    /// The maximum number of processes of its operating-system user (`RLIMIT_NPROC`).
    pub processes: Option<u64>,
}

/// The program of a server. Its texts may have the placeholder `{user}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramConfig {
    /// The command or its path.
    pub command: String,
    /// The arguments of the program.
    pub args: Vec<String>,
    /// Variables added to the environment.
    pub env: BTreeMap<String, String>,
    /// The working directory.
    pub cwd: Option<PathBuf>,
    /// The user id of the processes.
    pub uid: Option<u32>,
    /// The group id of the processes.
    pub gid: Option<u32>,
}

/// The configuration of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The program that its processes execute.
    pub program: ProgramConfig,
    /// The rules for its tools.
    pub tools: Option<ToolRules>,
    /// The treatment of tools whose scope a client lacks, in `tools/list`.
    pub step_up_tools: StepUpTools,
    /// Overrides the option of the same name.
    pub isolation: Option<Isolation>,
    /// Overrides the option of the same name.
    pub era: Option<Era>,
    /// Overrides the option of the same name.
    pub request_timeout: Option<Duration>,
    /// The number of warm processes.
    pub prewarm: usize,
    /// The maximum number of processes; overrides the option.
    pub max_processes: Option<usize>,
    /// The resource limits of its processes.
    pub limits: ResourceLimits,
    /// `true` to confine its processes and to deny them new privileges.
    pub confine: bool,
}

impl ServerConfig {
    /// Creates an entry with default settings.
    #[must_use]
    pub fn of_command(command: String, args: Vec<String>) -> Self {
        Self {
            program: ProgramConfig { command, args, ..ProgramConfig::default() },
            tools: None,
            step_up_tools: StepUpTools::default(),
            isolation: None,
            era: None,
            request_timeout: None,
            prewarm: 0,
            max_processes: None,
            limits: ResourceLimits::default(),
            confine: true,
        }
    }
}

/// The servers of one proxy, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// The entries by the name of the server.
    pub servers: BTreeMap<Arc<str>, Arc<ServerConfig>>,
}
