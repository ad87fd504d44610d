//! The clients of an instance, which outlive its processes: sessions, and subscribers of 2026-07-28.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gateway_contract::revision::Revision;
use parking_lot::{Mutex, MutexGuard};

use super::listener::Listener;
use super::session::Session;
use super::unavailable::Unavailable;

/// The maximum number of users of an instance whose clients send no session id; beyond it, the least recently
/// used session is evicted.
const AMBIENT: usize = 1024;
/// The maximum number of open subscriptions of an instance.
const LISTENERS: usize = 64;

/// The clients of an instance.
#[derive(Default)]
pub struct Clients {
    sessions: Mutex<Vec<Arc<Session>>>,
    /// The session of each user whose clients send no session id.
    ambient: Mutex<HashMap<Option<Arc<str>>, Arc<Session>>>,
    /// Open subscriptions of clients of 2026-07-28.
    listeners: Mutex<Vec<Arc<Listener>>>,
    /// `true` once a process has requested the roots of these clients outside of any request.
    pub roots_requested_at_start: AtomicBool,
}

impl Clients {
    /// Returns the sessions. They are locked while the guard exists.
    pub fn sessions(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        self.sessions.lock()
    }

    /// Returns the session `serial`, if it still exists.
    pub fn session(&self, serial: u64) -> Option<Arc<Session>> {
        self.sessions.lock().iter().find(|one| one.serial == serial).cloned()
    }

    /// Returns the resources that any session has subscribed to.
    pub fn watched(&self) -> BTreeSet<String> {
        self.sessions.lock().iter().flat_map(|session| session.watched()).collect()
    }

    /// Removes the session `serial` and returns it.
    pub(super) fn remove(&self, serial: u64) -> Option<Arc<Session>> {
        let mut sessions = self.sessions.lock();
        let at = sessions.iter().position(|one| one.serial == serial)?;
        Some(sessions.swap_remove(at))
    }

    /// Returns the session of the clients of `principal` that send no session id, and a session that was evicted
    /// for it. Users never share such a session, not even where they share the process.
    pub(super) fn ambient(
        &self,
        principal: Option<Arc<str>>,
        revision: Revision,
    ) -> (Arc<Session>, Option<Arc<Session>>) {
        let mut ambient = self.ambient.lock();
        if let Some(session) = ambient.get(&principal) {
            return (Arc::clone(session), None);
        }
        let mut evicted = None;
        if ambient.len() >= AMBIENT {
            let oldest = ambient.values().min_by_key(|session| session.used()).cloned();
            evicted = oldest.and_then(|oldest| ambient.remove(&oldest.principal));
        }
        let session = Session::new(None, principal.clone(), revision);
        self.sessions.lock().push(Arc::clone(&session));
        ambient.insert(principal, Arc::clone(&session));
        (session, evicted)
    }

    /// Removes the sessions without an id that were idle for longer than `timeout`, and returns them.
    pub(super) fn expire_ambient(&self, timeout: Duration) -> Vec<Arc<Session>> {
        self.ambient.lock().retain(|_, session| session.idle() <= timeout);
        let is_over = |session: &mut Arc<Session>| session.id.is_none() && session.idle() > timeout;
        self.sessions.lock().extract_if(.., is_over).collect()
    }

    /// Closes and removes all sessions.
    pub(super) fn close_sessions(&self) {
        self.ambient.lock().clear();
        for session in self.sessions.lock().drain(..) {
            session.close();
        }
    }

    /// Returns the subscriptions. They are locked while the guard exists.
    pub fn listeners(&self) -> MutexGuard<'_, Vec<Arc<Listener>>> {
        self.listeners.lock()
    }

    /// Adds a subscription. `first` is called before any notification can reach it.
    pub(super) fn listen(
        &self,
        listener: &Arc<Listener>,
        first: impl FnOnce(),
    ) -> Result<(), Unavailable> {
        let mut listeners = self.listeners.lock();
        if listeners.len() >= LISTENERS {
            return Err(Unavailable::Busy { what: "too many clients listen" });
        }
        first();
        listeners.push(Arc::clone(listener));
        Ok(())
    }

    /// Removes a subscription. Returns `true` if it was open.
    pub fn unlisten(&self, listener: &Listener) -> bool {
        let mut listeners = self.listeners.lock();
        let before = listeners.len();
        listeners.retain(|one| one.serial != listener.serial);
        listeners.len() < before
    }

    /// Returns `true` if there are subscriptions.
    pub fn are_listening(&self) -> bool {
        !self.listeners.lock().is_empty()
    }

    /// Ends all subscriptions.
    pub(super) fn end_listening(&self) {
        for listener in self.listeners.lock().drain(..) {
            listener.end();
        }
    }
}
