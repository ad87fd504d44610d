//! The bounds within which the proxy works.

use std::time::Duration;

use gateway_contract::revision::Era;

use crate::audit::Audit;
use crate::catalogue::Isolation;
use crate::child::Patience;

/// Bounds and habits; all of them are options of the command line.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who shares a process, unless the server says otherwise.
    pub isolation: Isolation,
    /// The era of the only clients that are served, unless the server says otherwise.
    pub era: Option<Era>,
    /// The longest body of a request.
    pub max_request: usize,
    /// The longest message of a server.
    pub max_message: usize,
    /// Requests in flight, per process.
    pub max_calls: usize,
    /// Processes in all.
    pub max_children: usize,
    /// Processes of one server, unless the server says otherwise.
    pub max_children_per_server: usize,
    /// Processes of one user.
    pub max_children_per_principal: usize,
    /// Sessions in all.
    pub max_sessions: usize,
    /// A process nobody spoke to for this long is ended.
    pub idle_timeout: Duration,
    /// A session nobody used for this long is forgotten.
    pub session_timeout: Duration,
    /// A request may take this long without progress, with it twelve times as long; zero is for ever.
    pub request_timeout: Duration,
    /// A request may wait this long for its client to answer a question of the server (2026-07-28).
    pub input_timeout: Duration,
    /// A server must have answered `initialize` after this long.
    pub start_timeout: Duration,
    /// A server that has not answered `server/discover` after this long has a handshake.
    pub probe_timeout: Duration,
    /// After this long without an answer a stream is opened, which can be kept alive.
    pub stream_after: Duration,
    /// A comment is sent on a stream this often.
    pub keep_alive: Duration,
    /// At the end, requests in flight have this long.
    pub drain_timeout: Duration,
    /// The silence of the gateway's feed of ended grants counts for this long.
    pub grants_lease: Duration,
    /// How patiently a process is ended.
    pub patience: Patience,
    /// Whether a request of 2026-07-28 may have a version header that says something else.
    pub tolerate_version_header: bool,
    /// Whether clients are told what a server that failed wrote last on stderr.
    pub explain_failures: bool,
    /// Variables that are passed to servers beside the usual ones.
    pub pass_env: Vec<String>,
    /// Where events go.
    pub audit: Audit,
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
            patience: Patience::default(),
            tolerate_version_header: false,
            explain_failures: false,
            pass_env: Vec::new(),
            audit: Audit::default(),
        }
    }
}
