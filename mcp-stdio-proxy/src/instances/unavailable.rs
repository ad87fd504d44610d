//! Reasons why a server cannot serve, in words for its clients (JSON-RPC 2.0 §5.1).

use std::sync::Arc;

use crate::process::SpawnError;

/// The reason why a server does not answer. `Display` is meant for the client.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The process cannot be started.
    #[error("{}", .0.public())]
    Spawn(#[from] SpawnError),
    /// The processes of the server keep crashing.
    #[error("server \"{server}\" keeps ending; it is started again in {wait} s")]
    Crashing {
        /// The name of the server.
        server: Arc<str>,
        /// The delay before the next start, in seconds.
        wait: u64,
    },
    /// The package is being installed by a package runner such as `npx`.
    #[error("server \"{server}\" is being installed; try again in a moment")]
    Installing {
        /// The name of the server.
        server: Arc<str>,
    },
    /// The process was started and did not answer the first request.
    #[error("server \"{server}\" did not answer \"{method}\" within {seconds} s")]
    Mute {
        /// The name of the server.
        server: Arc<str>,
        /// The first request: `initialize` or `server/discover`.
        method: &'static str,
        /// The timeout in seconds.
        seconds: u64,
    },
    /// The process exited during the handshake.
    #[error("server \"{server}\" ended when it was started{status}")]
    Ended {
        /// The name of the server.
        server: Arc<str>,
        /// The exit status, in words.
        status: String,
    },
    /// The server answered the first request with an error.
    #[error("server \"{server}\" refused \"{method}\"")]
    Refused {
        /// The name of the server.
        server: Arc<str>,
        /// The first request: `initialize` or `server/discover`.
        method: &'static str,
        /// The whole error response.
        answer: String,
    },
    /// The entry has placeholders for the user, and the request has no user.
    #[error("server \"{server}\" is only for users that the gateway names")]
    Anonymous {
        /// The name of the server.
        server: Arc<str>,
    },
    /// A limit is reached.
    #[error("{what}; try again in a few seconds")]
    Busy {
        /// The description of the limit.
        what: &'static str,
    },
    /// The session or its server was ended meanwhile.
    #[error("the session has ended")]
    Closed,
}
