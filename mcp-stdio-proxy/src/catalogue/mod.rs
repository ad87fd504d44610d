//! The servers there are: one from the command line, or those of `mcp-servers.json`.

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

/// Who shares a server process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// One process for each user; without a user, one for each session.
    Principal,
    /// One process for each session.
    Session,
    /// One process for all: only for servers that keep nothing between calls.
    Shared,
}

/// What the operating system allows a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Limits {
    /// Bytes of memory of its own (`RLIMIT_DATA`).
    pub memory: Option<u64>,
    /// Open files (`RLIMIT_NOFILE`).
    pub files: Option<u64>,
    /// Processes of its user (`RLIMIT_NPROC`).
    pub processes: Option<u64>,
}

/// How to run a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to the environment.
    pub env: BTreeMap<String, String>,
    /// Its directory.
    pub cwd: Option<PathBuf>,
    /// Which tools are offered to whom.
    pub tools: Option<ToolRules>,
    /// Whether `tools/list` has the tools whose scope a client lacks.
    pub step_up_tools: StepUpTools,
    /// Overrides the option of the same name.
    pub isolation: Option<Isolation>,
    /// Overrides the option of the same name.
    pub era: Option<Era>,
    /// Overrides the option of the same name.
    pub request_timeout: Option<Duration>,
    /// Processes held ready.
    pub prewarm: usize,
    /// The most processes; overrides the option.
    pub max_processes: Option<usize>,
    /// The user it runs as.
    pub uid: Option<u32>,
    /// The group it runs as.
    pub gid: Option<u32>,
    /// What the operating system allows it.
    pub limits: Limits,
    /// Whether its processes are separated from others, and may gain no privileges.
    pub confine: bool,
}

impl Entry {
    /// A server without anything special.
    #[must_use]
    pub fn of_command(command: String, args: Vec<String>) -> Self {
        Self {
            command,
            args,
            env: BTreeMap::new(),
            cwd: None,
            tools: None,
            step_up_tools: StepUpTools::default(),
            isolation: None,
            era: None,
            request_timeout: None,
            prewarm: 0,
            max_processes: None,
            uid: None,
            gid: None,
            limits: Limits::default(),
            confine: true,
        }
    }
}

/// All servers by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// The servers.
    pub servers: BTreeMap<Arc<str>, Arc<Entry>>,
}
