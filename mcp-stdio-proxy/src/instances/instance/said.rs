//! State that a process keeps for all of its sessions: subscriptions and a log level. It is restored in the next
//! process, and no session undoes the state of another one (MCP "Resources", "Logging").

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use gateway_contract::revision::Era;

use super::ServerInstance;
use super::listen::post_uri;
use super::refused::Refused;
use super::shared::hand_over;
use crate::instances::session::Session;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::object::value;
use crate::messages::translate::{log, subscription};
use crate::process::Process;
use crate::process::call::{Call, ResponseHandler};

/// An answer of the proxy.
type Answered = Result<(), Refused>;

impl ServerInstance {
    /// Records the state that a request of `session` sets. Returns an answer if the process must not receive the
    /// request, because it would undo the state of another session. Otherwise returns a response handler, if one is
    /// needed.
    pub fn keep(
        &self,
        session: &Arc<Session>,
        read: &Envelope<'_>,
    ) -> Result<Option<Arc<dyn ResponseHandler>>, Answered> {
        let params = read.params.unwrap_or("{}");
        match &*read.method {
            "resources/subscribe" => self.subscribing(session, params),
            "resources/unsubscribe" => self.unsubscribing(session, params),
            "logging/setLevel" => self.leveling(session, params),
            _ => Ok(None),
        }
    }

    fn subscribing(
        &self,
        session: &Arc<Session>,
        params: &str,
    ) -> Result<Option<Arc<dyn ResponseHandler>>, Answered> {
        let uri = match Self::watchable(session, params) {
            Ok(uri) => uri,
            Err(why) if self.is_shared() => return Err(Err(why)),
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

    fn unsubscribing(
        &self,
        session: &Session,
        params: &str,
    ) -> Result<Option<Arc<dyn ResponseHandler>>, Answered> {
        let Some(uri) = subscription::uri(params) else { return Ok(None) };
        session.unwatch(&uri);
        if self.watched().contains(&uri) { Err(Ok(())) } else { Ok(None) }
    }

    fn leveling(
        &self,
        session: &Arc<Session>,
        params: &str,
    ) -> Result<Option<Arc<dyn ResponseHandler>>, Answered> {
        let Some(level) = value(params, "level").and_then(log::level) else { return Ok(None) };
        if self.least_level(Some(session.serial)).is_some_and(|others| others < level) {
            session.set_log_level(level);
            return Err(Ok(()));
        }
        Ok(Some(Arc::new(Leveling { session: Arc::downgrade(session), level })))
    }

    /// Returns the lowest level that a session has asked for, except the session `but`.
    fn least_level(&self, but: Option<u64>) -> Option<usize> {
        let sessions = self.sessions.lock();
        let others = sessions.iter().filter(|session| Some(session.serial) != but);
        others.filter_map(|session| session.log_level()).min()
    }

    /// Returns which sessions are meant by a log message of `level`. The server leaves out what is below the
    /// lowest level that it was told.
    pub(super) fn hears(&self, level: usize) -> impl Fn(&Session) -> bool {
        let told = self.least_level(None);
        move |session| {
            let wanted = session.log_level();
            wanted == told || wanted.is_none_or(|wanted| wanted <= level)
        }
    }

    /// Restores the state of the sessions in a new process.
    pub fn tell_again(&self, process: &Process) {
        if self.pairing.clients == Era::Modern || self.is_upgraded() {
            return;
        }
        for uri in self.watched() {
            post_uri(process, "resources/subscribe", &uri);
        }
        if let Some(level) = self.least_level(None) {
            post_level(process, level);
        }
        self.tell_roots_changed(process);
    }

    /// Removes from the process the state that only `session` needed, which has ended.
    pub(super) fn forget_said(&self, session: &Session) {
        let Some(process) = self.live() else { return };
        if self.pairing.clients == Era::Modern || self.is_upgraded() {
            return;
        }
        let others = self.watched();
        for uri in session.watched().iter().filter(|uri| !others.contains(*uri)) {
            post_uri(&process, "resources/unsubscribe", uri);
        }
        if let (Some(level), Some(least)) = (session.log_level(), self.least_level(None))
            && level < least
        {
            post_level(&process, least);
        }
    }
}

/// Sets the log level of a process and ignores the answer.
pub(super) fn post_level(process: &Process, level: usize) {
    let Some(name) = log::LEVELS.get(level) else { return };
    process.submit_ignoring("logging/setLevel", &format!(r#"{{"level":"{name}"}}"#));
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
        hand_over(call, line, read, None);
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
        hand_over(call, line, read, None);
    }
}
