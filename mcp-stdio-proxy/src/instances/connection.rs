//! The connection of an instance to one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gateway_contract::revision::Era;

use super::clients::Clients;
use super::key::InstanceKey;
use crate::messages::json_edit::JsonEdit;
use crate::messages::meta;
use crate::messages::translate::discover::ServerInfo;
use crate::process::Process;

const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// The connection of an instance to a process that has completed its handshake.
pub struct Connection {
    /// The process.
    pub process: Arc<Process>,
    /// The era of the server, as its handshake has told.
    pub era: Era,
    /// The server information from the handshake.
    pub info: Arc<ServerInfo>,
    /// The key of the instance.
    pub key: Arc<InstanceKey>,
    /// The clients of the instance.
    pub clients: Arc<Clients>,
    /// The timeout for the acknowledgement of a subscription.
    pub probe_timeout: Duration,
    /// The timeout of a request without progress.
    pub request_timeout: Option<Duration>,
    /// `true` once the process has received `notifications/initialized`, or does not expect it.
    is_initialized: AtomicBool,
}

/// The timeouts of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServerTimeouts {
    /// The timeout of `server/discover`, and for the acknowledgement of a subscription.
    pub probe: Duration,
    /// The timeout of a request without progress.
    pub request: Option<Duration>,
}

impl Connection {
    /// Creates the connection to `process`, a server of `era` that has answered the handshake with `info`.
    #[must_use]
    pub fn new(
        process: Arc<Process>,
        (era, info): (Era, ServerInfo),
        (key, clients): (&Arc<InstanceKey>, &Arc<Clients>),
        timeouts: ServerTimeouts,
    ) -> Self {
        Self {
            process,
            era,
            info: Arc::new(info),
            key: Arc::clone(key),
            clients: Arc::clone(clients),
            probe_timeout: timeouts.probe,
            request_timeout: timeouts.request,
            // A modern server has no handshake in the sense of earlier revisions.
            is_initialized: (era == Era::Modern).into(),
        }
    }

    /// Records that `notifications/initialized` is sent. Returns `true` if it must be: a process must receive it
    /// once, however many sessions share it.
    pub fn initialize(&self) -> bool {
        !self.is_initialized.swap(true, Ordering::Relaxed)
    }

    /// Sends `notifications/initialized` on behalf of the clients, unless it was sent already. Returns `true` if it
    /// was sent now.
    pub async fn send_initialized(&self) -> bool {
        let is_first = self.initialize();
        if is_first {
            self.process.notify(JsonEdit::of(INITIALIZED).input()).await;
        }
        is_first
    }

    /// Returns the parameters of a `tools/list` request of the proxy itself.
    #[must_use]
    pub fn list_params(&self, cursor: Option<&str>) -> String {
        let cursor = cursor.map(|cursor| format!("\"cursor\":{}", serde_json::Value::from(cursor)));
        let is_modern = self.era == Era::Modern;
        let meta = is_modern.then(|| format!("\"_meta\":{{{}}}", meta::of_proxy()));
        let all: Vec<_> = cursor.into_iter().chain(meta).collect();
        format!("{{{}}}", all.join(","))
    }
}
