//! The settings of the proxy.

use std::time::Duration;

use gateway_contract::revision::Era;

use crate::access::audit::Audit;
use crate::config::catalogue::Isolation;

/// Limits and behaviour switches, most of which are command-line options.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The default isolation of processes, which a server may override.
    pub isolation: Isolation,
    /// The only era that is served, if any; a server may override it.
    pub era: Option<Era>,
    /// The maximum size of a request body.
    pub max_request: usize,
    /// The maximum size of a message of a server.
    pub max_message: usize,
    /// The maximum number of requests in flight per process.
    pub max_calls: usize,
    /// The maximum number of processes in total.
    pub max_children: usize,
    /// The maximum number of processes per server, which a server may override.
    pub max_children_per_server: usize,
    /// The maximum number of processes per user.
    pub max_children_per_principal: usize,
    /// The maximum number of sessions in total.
    pub max_sessions: usize,
    /// The time after which an idle process is stopped.
    pub idle_timeout: Duration,
    /// The time after which an unused session expires.
    pub session_timeout: Duration,
    /// The timeout of a request without progress; zero disables it. With progress, the limit is twelve times
    /// as long.
    pub request_timeout: Duration,
    /// The time for which a call stays suspended for input of its client (2026-07-28).
    pub input_timeout: Duration,
    /// The timeout of `initialize`.
    pub start_timeout: Duration,
    /// The timeout of `server/discover`, after which a server is taken for one with a handshake.
    pub probe_timeout: Duration,
    /// The time after which a pending response becomes a stream, which can be kept alive.
    pub stream_after: Duration,
    /// The interval of keep-alive comments on a stream.
    pub keep_alive: Duration,
    /// The time that requests in flight get at shutdown.
    pub drain_timeout: Duration,
    /// The time for which the gateway's feed of ended grants may be silent.
    pub grants_lease: Duration,
    /// The timeouts of the shutdown of a process.
    pub stop_timeouts: StopTimeouts,
    /// `true` to accept a deviating version header in requests of 2026-07-28.
    pub tolerate_version_header: bool,
    /// `true` to show clients the last lines of stderr of a failed server.
    pub explain_failures: bool,
    /// Additional environment variables that servers inherit.
    pub pass_env: Vec<String>,
    /// The writer of audit events.
    pub audit: Audit,
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

impl Default for Settings {
    fn default() -> Self {
        Self {
            isolation: Isolation::Principal,
            era: None,
            max_request: 16 << 20,
            max_message: 64 << 20,
            max_calls: 256,
            max_children: 256,
            max_children_per_server: 256,
            max_children_per_principal: 32,
            max_sessions: 10_000,
            idle_timeout: Duration::from_mins(15),
            session_timeout: Duration::from_hours(24),
            request_timeout: Duration::from_mins(5),
            input_timeout: Duration::from_mins(10),
            start_timeout: Duration::from_mins(1),
            probe_timeout: Duration::from_secs(5),
            stream_after: Duration::from_secs(2),
            keep_alive: Duration::from_secs(15),
            drain_timeout: Duration::from_millis(2500),
            grants_lease: Duration::from_secs(10),
            stop_timeouts: StopTimeouts::default(),
            tolerate_version_header: false,
            explain_failures: false,
            pass_env: Vec::new(),
            audit: Audit::default(),
        }
    }
}
