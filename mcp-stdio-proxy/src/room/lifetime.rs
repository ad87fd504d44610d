//! How long the process of a room lives: whether somebody waits for what it says, and how it is ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Room;
use crate::child::Child;
use crate::session::Session;

/// How long a client that reads no stream is expected to come back for changes that it has subscribed to.
const SUBSCRIBED: Duration = Duration::from_hours(1);

impl Room {
    /// Whether the process has ended by itself, and clients wait for what it will tell.
    pub fn is_missed(&self) -> bool {
        let crashed = self.live.lock().as_ref().is_some_and(|child| child.crashed());
        let is_subscribed =
            |session: &Arc<Session>| session.standing.is_read() && !session.watched().is_empty();
        crashed && (self.is_listened_to() || self.sessions.lock().iter().any(is_subscribed))
    }

    /// Returns `true` if clients wait for what the process says unasked: they listen, or have subscribed.
    pub fn is_in_use(&self) -> bool {
        self.is_listened_to()
            || self.sessions.lock().iter().any(|session| session.is_waiting(SUBSCRIBED))
    }

    /// Ends the process; the sessions stay, and the next request starts another one.
    pub fn retire(&self) -> Option<Arc<Child>> {
        let child = self.live.lock().take()?;
        self.forget_questions();
        child.end();
        Some(child)
    }

    /// Lets the process finish what it has begun, then ends it; the next request starts another.
    /// Those who listen are told that it is over: what comes next may be another server.
    pub fn renew(&self, within: Duration) {
        self.end_listening();
        let Some(child) = self.live.lock().take() else { return };
        child.leave();
        tokio::spawn(async move {
            let idle = async {
                while !child.calls.is_empty() && child.is_live() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            let _late = tokio::time::timeout(within, idle).await;
            child.end();
        });
    }

    /// Ends the process and the sessions, for good.
    pub fn close(&self) -> Option<Arc<Child>> {
        self.closed.store(true, Ordering::SeqCst);
        self.end_listening();
        self.ambient.lock().clear();
        for session in self.sessions.lock().drain(..) {
            session.close();
        }
        self.retire()
    }
}
