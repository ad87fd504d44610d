//! Why a server cannot serve, in words for its clients (JSON-RPC 2.0 §5.1).

use std::sync::Arc;

use crate::child::SpawnError;

/// Why a server does not answer. `Display` is what the client may read.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// It cannot be started.
    #[error("{}", .0.public())]
    Spawn(#[from] SpawnError),
    /// It ends again and again.
    #[error("server \"{server}\" keeps ending; it is started again in {wait} s")]
    Crashing {
        /// The server.
        server: Arc<str>,
        /// Seconds to wait.
        wait: u64,
    },
    /// A finder such as `npx` installs it.
    #[error("server \"{server}\" is being installed; try again in a moment")]
    Installing {
        /// The server.
        server: Arc<str>,
    },
    /// It was started and did not answer the first request.
    #[error("server \"{server}\" did not answer \"{method}\" within {seconds} s")]
    Mute {
        /// The server.
        server: Arc<str>,
        /// `initialize`, or `server/discover`.
        method: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// It ended during `initialize`.
    #[error("server \"{server}\" ended when it was started{status}")]
    Ended {
        /// The server.
        server: Arc<str>,
        /// How.
        status: String,
    },
    /// It answered the first request with an error: the whole answer.
    #[error("server \"{server}\" refused \"{method}\"")]
    Refused {
        /// The server.
        server: Arc<str>,
        /// `initialize`, or `server/discover`.
        method: &'static str,
        /// Its answer.
        answer: String,
    },
    /// Its entry says `{user}`, and there is none.
    #[error("server \"{server}\" is only for users that the gateway names")]
    Anonymous {
        /// The server.
        server: Arc<str>,
    },
    /// A bound is reached.
    #[error("{what}; try again in a few seconds")]
    Busy {
        /// Which bound.
        what: &'static str,
    },
    /// The session, or its server, was ended meanwhile.
    #[error("the session has ended")]
    Closed,
}
