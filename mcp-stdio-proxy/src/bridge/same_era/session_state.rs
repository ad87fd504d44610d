//! State that a process keeps for all of its sessions: subscriptions and a log level. It is restored in the next
//! process, and no session undoes the state of another one (MCP "Resources", "Logging").

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::legacy::LegacyBridge;
use crate::bridge::log_levels::least_level;
use crate::bridge::requests::{post_level, post_uri};
use crate::bridge::watched::watchable;
use crate::instances::bridge::{ClientRequest, Prepared};
use crate::instances::session::Session;
use crate::messages::error::RpcError;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::object::value;
use crate::messages::translate::{log, subscription};
use crate::process::call::{Call, ResponseHandler};
use crate::process::respond::deliver;

impl LegacyBridge {
    /// Records the state that a request of a session sets. The process does not receive a request that would undo the
    /// state of another session.
    pub(super) fn keep_state<'a>(
        &self,
        request: &ClientRequest<'a>,
    ) -> Result<Prepared<'a>, RpcError> {
        let Some(session) = request.session else { return Ok(Self::unchanged(request, None)) };
        let params = request.envelope.params.unwrap_or("{}");
        let handler = match &*request.envelope.method {
            "resources/subscribe" => self.subscribe(session, params)?,
            "resources/unsubscribe" if self.is_needed_after(session, params) => {
                return Ok(Prepared::Done);
            }
            "logging/setLevel" => {
                let level = value(params, "level").and_then(log::level);
                match level.map(|level| self.set_level(session, level)) {
                    Some(None) => return Ok(Prepared::Done),
                    handler => handler.flatten(),
                }
            }
            _ => None,
        };
        Ok(Self::unchanged(request, handler))
    }

    fn subscribe(
        &self,
        session: &Arc<Session>,
        params: &str,
    ) -> Result<Option<Arc<dyn ResponseHandler>>, RpcError> {
        let uri = match watchable(session, params) {
            Ok(uri) => uri,
            Err(why) if self.connection.key.is_shared() => return Err(why),
            // The server says what is wrong with it, and beyond the bound it is not remembered.
            Err(_) => return Ok(None),
        };
        // At once, so that no other session ends it before the server has answered.
        let is_new = session.watch(&uri);
        let session = Arc::downgrade(session);
        Ok(is_new.then(|| -> Arc<dyn ResponseHandler> {
            Arc::new(Subscribing { session, uri, is_agreed: AtomicBool::new(false) })
        }))
    }

    /// Removes the subscription of `session`. Returns `true` if another session still needs it.
    fn is_needed_after(&self, session: &Session, params: &str) -> bool {
        let Some(uri) = subscription::uri(params) else { return false };
        session.unwatch(&uri);
        self.connection.clients.watched().contains(&uri)
    }

    /// Returns the response handler that sets the level of `session`. Returns `None` if the process must keep the
    /// lower level of another session; the level is then set.
    fn set_level(&self, session: &Arc<Session>, level: usize) -> Option<Arc<dyn ResponseHandler>> {
        let least = least_level(&self.connection.clients, Some(session.serial));
        if least.is_some_and(|others| others < level) {
            session.set_log_level(level);
            return None;
        }
        Some(Arc::new(Leveling { session: Arc::downgrade(session), level }))
    }

    /// Restores the state of the sessions in a new process.
    pub(super) fn restore_sessions(&self) {
        let (process, clients) = (&self.connection.process, &self.connection.clients);
        for uri in clients.watched() {
            post_uri(process, "resources/subscribe", &uri);
        }
        if let Some(level) = least_level(clients, None) {
            post_level(process, level);
        }
        self.tell_roots_changed();
    }

    /// Removes from the process the state that only `session` needed, which has ended.
    pub(super) fn remove_state_of(&self, session: &Session) {
        let (process, clients) = (&self.connection.process, &self.connection.clients);
        let others = clients.watched();
        for uri in session.watched().iter().filter(|uri| !others.contains(*uri)) {
            post_uri(process, "resources/unsubscribe", uri);
        }
        if let (Some(level), Some(least)) = (session.log_level(), least_level(clients, None))
            && level < least
        {
            post_level(process, least);
        }
    }
}

/// A subscription that holds unless the server refuses it, or ends before it answers.
struct Subscribing {
    session: Weak<Session>,
    uri: String,
    is_agreed: AtomicBool,
}

impl ResponseHandler for Subscribing {
    fn handle(&self, call: Call, line: &Line, read: &Envelope<'_>) {
        self.is_agreed.store(read.result.is_some(), Ordering::Relaxed);
        deliver(call, line, read, JsonEdit::of(line.text()));
    }
}

impl Drop for Subscribing {
    fn drop(&mut self) {
        if !*self.is_agreed.get_mut()
            && let Some(session) = self.session.upgrade()
        {
            session.unwatch(&self.uri);
        }
    }
}

/// A log level that holds when the server has agreed.
struct Leveling {
    session: Weak<Session>,
    level: usize,
}

impl ResponseHandler for Leveling {
    fn handle(&self, call: Call, line: &Line, read: &Envelope<'_>) {
        if let Some(session) = self.session.upgrade().filter(|_| read.result.is_some()) {
            session.set_log_level(self.level);
        }
        deliver(call, line, read, JsonEdit::of(line.text()));
    }
}
