//! The settings of the proxy. Each is stated once: its option, variable, default, help and parser.

use std::time::Duration;

use clap::builder::Resettable;
use clap::{Command, CommandFactory as _, FromArgMatches as _, Parser};
use gateway_contract::revision::Era;

use super::catalogue::{Isolation, ServerConfig};
use super::values::{positive, seconds};
use crate::access::audit::Audit;

/// Limits and behaviour switches.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// The scope within which a server process is shared; a server of --config may override it
    #[arg(long, env = "MCP_ISOLATION", value_enum, default_value = "principal")]
    pub isolation: Isolation,
    /// Serve only clients of this era, so that no process for the other is needed: legacy opens with initialize,
    /// modern is 2026-07-28
    #[arg(long, env = "MCP_ERA", value_enum)]
    pub era: Option<Era>,
    /// Pass this variable of the environment to the servers, and fill ${NAME} in --config with it
    /// (repeatable, or a list)
    #[arg(long, global = true, env = "MCP_PASS_ENV", value_name = "NAME", value_delimiter = ',')]
    pub pass_env: Vec<String>,
    /// Serve requests of 2026-07-28 whose MCP-Protocol-Version header is missing, duplicate, or of an earlier
    /// revision, as some clients send them, instead of rejecting them with -32020
    #[arg(long, env = "MCP_TOLERATE_VERSION_HEADER")]
    pub tolerate_version_header: bool,
    /// Show clients the last lines of stderr of a failed server
    #[arg(long)]
    pub explain_failures: bool,
    /// Maximum numbers and sizes.
    #[command(flatten)]
    pub limits: Limits,
    /// Timeouts and intervals.
    #[command(flatten)]
    pub timeouts: Timeouts,
    /// The timeouts of the shutdown of a process.
    #[arg(skip)]
    pub stop_timeouts: StopTimeouts,
    /// The writer of audit events.
    #[arg(skip)]
    pub audit: Audit,
}

/// Maximum numbers and sizes.
#[derive(Clone, Debug, clap::Args)]
pub struct Limits {
    /// The maximum number of server processes
    #[arg(long, default_value_t = 256)]
    pub max_children: usize,
    /// The maximum number of processes of one server; a server of --config may override it
    #[arg(long, default_value_t = 256)]
    pub max_children_per_server: usize,
    /// The maximum number of server processes of one user
    #[arg(long, default_value_t = 32)]
    pub max_children_per_user: usize,
    /// The maximum number of sessions
    #[arg(long, default_value_t = 10_000)]
    pub max_sessions: usize,
    /// The maximum number of requests in flight per process
    #[arg(long, default_value_t = 256)]
    pub max_calls: usize,
    /// The maximum size of a request, in bytes
    #[arg(long, default_value_t = 16 << 20)]
    pub max_request: usize,
    /// The maximum size of a message of a server, in bytes
    #[arg(long, default_value_t = 64 << 20)]
    pub max_message: usize,
}

/// Timeouts and intervals. They are in seconds, or have a unit: 30d, 12h, 30m.
#[derive(Clone, Debug, clap::Args)]
pub struct Timeouts {
    /// Stop a process that has been idle for this long
    #[arg(long, default_value = "900", value_parser = seconds)]
    pub idle_timeout: Duration,
    /// Expire a session that has been unused for this long
    #[arg(long, default_value = "86400", value_parser = seconds)]
    pub session_timeout: Duration,
    /// Fail a request after this long without progress, or after twelve times as long with progress; 0 disables it
    #[arg(long, default_value = "300", value_parser = seconds)]
    pub request_timeout: Duration,
    /// Keep a request of 2026-07-28 suspended for this long while its client answers a question of the server
    #[arg(long, default_value = "600", value_parser = seconds)]
    pub input_timeout: Duration,
    /// Give up on a server that has not answered initialize after this long
    #[arg(long, default_value = "60", value_parser = seconds)]
    pub start_timeout: Duration,
    /// Treat a server that has not answered server/discover after this long as one with a handshake; a client's own
    /// server/discover is answered within four times as long
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub probe_timeout: Duration,
    /// Respond with a stream, which can be kept alive, if there is no answer after this long
    #[arg(long, default_value = "2", value_parser = seconds)]
    pub stream_after: Duration,
    /// Send a comment on open streams at this interval
    #[arg(long, default_value = "15", value_parser = positive)]
    pub keep_alive: Duration,
    /// End the requests and streams of users when the feed of ended grants has been silent for this long
    #[arg(long, default_value = "10", value_parser = positive, hide = true)]
    pub grants_lease: Duration,
    /// Let requests in flight finish for this long at shutdown
    #[arg(long, default_value = "2.5", value_parser = seconds)]
    pub drain_timeout: Duration,
}

/// The timeouts of the steps of a shutdown.
#[derive(Clone, Copy, Debug)]
pub struct StopTimeouts {
    /// The time from closing the input to TERM.
    pub eof: Duration,
    /// The time from TERM to KILL.
    pub term: Duration,
}

impl Default for StopTimeouts {
    /// Returns at least what the official SDKs grant: servers remove their lock files when their input ends.
    fn default() -> Self {
        Self { eof: Duration::from_secs(3), term: Duration::from_secs(2) }
    }
}

/// A command line with these options alone.
#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    settings: Settings,
}

impl Alone {
    /// Returns the parser, which ignores the environment.
    fn without_environment() -> Command {
        Self::command().mut_args(|arg| arg.env(Resettable::Reset))
    }
}

impl Settings {
    /// Returns the isolation level of the processes of a server with the configuration `config`.
    #[must_use]
    pub fn isolation_of(&self, config: &ServerConfig) -> Isolation {
        config.isolation.unwrap_or(self.isolation)
    }
}

impl Default for Settings {
    /// Returns the settings of a command line without options in an empty environment.
    fn default() -> Self {
        let read = Alone::without_environment().try_get_matches_from(["mcp-stdio-proxy"]);
        let read = read.and_then(|matches| Alone::from_arg_matches(&matches));
        // A default that its parser refuses is a defect, which the tests find.
        read.unwrap_or_else(|error| error.exit()).settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_options_and_of_no_variable() {
        assert!(Alone::without_environment().get_arguments().all(|arg| arg.get_env().is_none()));
        let settings = Settings::default();
        assert_eq!((settings.isolation, settings.era), (Isolation::Principal, None));
        assert!(settings.pass_env.is_empty() && !settings.explain_failures);
        assert_eq!(settings.limits.max_message, 64 << 20);
        assert_eq!(settings.timeouts.idle_timeout, Duration::from_mins(15));
        assert_eq!(settings.timeouts.drain_timeout, Duration::from_millis(2500));
        assert_eq!(settings.stop_timeouts.eof, Duration::from_secs(3));
    }
}
