//! Lifetime of a server process: whether it is in use, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::instance::ServerInstance;
use super::session::Session;
use crate::process::Process;

/// The time for which a subscription keeps the process alive although the client reads no stream.
const SUBSCRIBED: Duration = Duration::from_hours(1);

impl ServerInstance {
    /// Returns `true` if the process has crashed and clients are waiting for its notifications.
    pub fn is_missed(&self) -> bool {
        let crashed = self.bridge.lock().as_ref().is_some_and(|bridge| bridge.process().crashed());
        let is_subscribed =
            |session: &Arc<Session>| session.standing.is_read() && !session.watched().is_empty();
        crashed
            && (self.clients.are_listening() || self.clients.sessions().iter().any(is_subscribed))
    }

    /// Returns `true` if clients wait for messages that the server initiates: they listen, or have
    /// subscribed.
    pub fn is_in_use(&self) -> bool {
        self.clients.are_listening()
            || self.clients.sessions().iter().any(|session| session.is_waiting(SUBSCRIBED))
    }

    /// Stops the process. The sessions stay, and the next request starts a new process.
    pub fn retire(&self) -> Option<Arc<Process>> {
        let bridge = self.bridge.lock().take()?;
        bridge.process().end();
        Some(Arc::clone(bridge.process()))
    }

    /// Drains and then stops the process; the next request starts a new one. The subscription streams of
    /// modern clients are closed first, since the next process may be a different server.
    pub fn renew(&self, within: Duration) {
        self.clients.end_listening();
        let Some(bridge) = self.bridge.lock().take() else { return };
        bridge.process().leave();
        tokio::spawn(async move {
            let process = bridge.process();
            let idle = async {
                while !process.calls.is_empty() && process.is_live() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            let _late = tokio::time::timeout(within, idle).await;
            process.end();
        });
    }

    /// Stops the process and closes its sessions, permanently.
    pub fn close(&self) -> Option<Arc<Process>> {
        self.closed.store(true, Ordering::SeqCst);
        self.clients.end_listening();
        self.clients.close_sessions();
        self.retire()
    }
}
