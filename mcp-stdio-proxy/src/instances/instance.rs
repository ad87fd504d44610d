//! A server instance: the process for one owner, and the clients that share it. The process may be replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gateway_contract::revision::{Era, NEWEST_HANDSHAKE, Revision};
use parking_lot::Mutex;

use super::bridge::Bridge;
use super::clients::Clients;
use super::health::Health;
use super::held_grants::HeldGrants;
use super::initialize::LONGEST;
use super::key::InstanceKey;
use super::server::Server;
use super::session::Session;
use crate::clock::{now_ms, since_ms};
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::Envelope;
use crate::process::Process;

/// A server instance with its process and its clients.
pub struct ServerInstance {
    /// The server that the process belongs to.
    pub server: Arc<Server>,
    /// The key of the instance.
    pub key: Arc<InstanceKey>,
    /// The clients that share the process.
    pub clients: Arc<Clients>,
    /// The bridge to the current process, which may have ended.
    pub(super) bridge: Mutex<Option<Arc<dyn Bridge>>>,
    /// Locked while a process is started.
    pub(super) starting: tokio::sync::Mutex<()>,
    /// The back-off state of this instance, so that a user who crashes the server does not slow down others.
    pub health: Health,
    pub(super) closed: AtomicBool,
    touched: AtomicU64,
    /// The grants that authorize its requests.
    pub grants: HeldGrants,
}

impl ServerInstance {
    /// Creates an instance without a process or clients.
    #[must_use]
    pub fn new(server: Arc<Server>, key: InstanceKey) -> Arc<Self> {
        Arc::new(Self {
            server,
            key: Arc::new(key),
            clients: Arc::default(),
            bridge: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            health: Health::default(),
            closed: AtomicBool::new(false),
            touched: now_ms().into(),
            grants: HeldGrants::default(),
        })
    }

    /// Returns the bridge to the process, if the process can answer.
    pub fn live(&self) -> Option<Arc<dyn Bridge>> {
        self.bridge.lock().as_ref().filter(|bridge| bridge.process().is_live()).cloned()
    }

    /// Returns the process, if it can answer.
    pub fn process(&self) -> Option<Arc<Process>> {
        self.live().map(|bridge| Arc::clone(bridge.process()))
    }

    /// Attaches a session to this instance.
    pub fn attach(&self, session: &Arc<Session>) {
        self.clients.sessions().push(Arc::clone(session));
    }

    /// Detaches a session. Returns `true` if it was the last.
    pub fn detach(&self, serial: u64) -> bool {
        let left = self.clients.remove(serial);
        let is_last = self.sessions() == 0;
        if let (Some(session), false) = (left, is_last) {
            self.forget(&session);
        }
        is_last
    }

    fn forget(&self, session: &Session) {
        if let Some(bridge) = self.live() {
            bridge.forget_session(session);
        }
    }

    /// Returns the session of the clients of `principal` that send no session id.
    pub fn ambient(&self, principal: Option<Arc<str>>) -> Arc<Session> {
        let version = self.key.initialize.as_ref().map_or(NEWEST_HANDSHAKE, |one| &one.version);
        let (session, evicted) = self.clients.ambient(principal, Revision::of(version));
        if let Some(evicted) = evicted {
            self.detach(evicted.serial);
            evicted.close();
        }
        session
    }

    /// Records a use by a client.
    pub fn touch(&self) {
        self.touched.store(now_ms(), Ordering::Relaxed);
    }

    /// Returns the time of the last use by a client, in milliseconds.
    pub fn used(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }

    /// Returns the number of sessions.
    pub fn sessions(&self) -> usize {
        self.clients.sessions().len()
    }

    /// Returns `true` if no client is left and none is being served. Clients of 2026-07-28 have no sessions,
    /// so their instance is empty when it has no process.
    pub fn is_empty(&self) -> bool {
        self.sessions() == 0
            && (self.key.clients == Era::Legacy || self.live().is_none())
            && !self.clients.are_listening()
            && self.starting.try_lock().is_ok()
            && since_ms(self.used()) > Duration::from_secs(5)
    }

    /// Expires sessions without an id that were idle for longer than `timeout`. Returns the ids of the other
    /// sessions that were.
    pub fn expire(&self, timeout: Duration) -> Vec<String> {
        for session in self.clients.expire_ambient(timeout) {
            self.forget(&session);
        }
        let sessions = self.clients.sessions();
        let silent = sessions.iter().filter(|session| session.idle() > timeout);
        silent.filter_map(|session| session.id.clone()).collect()
    }

    /// Forwards a notification of a client, if the server is running and accepts it.
    pub async fn notify(&self, text: &str, envelope: &Envelope<'_>) {
        // A notification is meaningless to a server that is not running.
        let Some(bridge) = self.live().filter(|bridge| !bridge.process().is_backed_up()) else {
            return;
        };
        if envelope.method == "notifications/initialized" {
            if bridge.connection().initialize() {
                bridge.process().notify(JsonEdit::of(text).input()).await;
                bridge.restore();
            }
        } else if let Some(line) = bridge.notification(text, envelope) {
            bridge.process().notify(line).await;
        }
    }

    /// Forwards a client's cancellation and ends the stream of the call without a response: "Receivers of
    /// cancellation SHOULD not send a response". Returns `true` if the call was in flight.
    pub fn cancel(&self, session: u64, client_id: &str, text: &str) -> bool {
        let Some(process) = self.process() else { return false };
        let Some((id, call)) = process.calls.take_named(session, client_id) else { return false };
        if text.len() > LONGEST {
            process.cancel(id, "the request was cancelled");
        } else {
            let edit = JsonEdit::of(text).replace(client_id, id.to_string());
            process.post_notification(edit.input());
        }
        call.stream.withdraw();
        true
    }
}
