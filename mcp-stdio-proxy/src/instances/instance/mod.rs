//! A server instance: the process for one owner, and the sessions that share it. The process may be replaced.

mod answers;
mod ask;
mod asks;
mod grants;
mod handler;
mod handshake;
mod held_grants;
mod known_tools;
mod level;
mod lifetime;
mod listen;
mod listener;
mod modern;
mod pairing_state;
mod param_headers;
mod questions;
mod refused;
mod root_requests;
mod roots;
mod round;
mod rounds;
mod said;
mod shared;
mod start;
mod subscriptions;
mod task_calls;
mod unasked;
pub mod upgrade;
mod watching;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use gateway_contract::revision::{Era, NEWEST_HANDSHAKE, Revision};
use parking_lot::Mutex;

use crate::clock::{now_ms, since_ms};
use crate::instances::health::Health;
use crate::instances::server::Server;
use crate::instances::session::Session;
use crate::messages::pairing::Pairing;
use crate::messages::splice;
use crate::messages::translate::discover::ServerInfo;
use crate::process::Process;
pub use answers::handler;
pub use asks::SETTLING;
pub use handshake::{InitializeParams, LONGEST};
use held_grants::Grants;
pub use listen::Listening;
use listener::Listener;
use pairing_state::{LegacyToModern, ModernToLegacy, SameEra};
pub use roots::CHANGED as ROOTS_CHANGED;

/// The maximum number of users of an instance whose clients send no session id; beyond it, the least recently
/// used session is evicted.
const AMBIENT: usize = 1024;

/// The isolation key of a server process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A user, as named by the gateway.
    Principal(Arc<str>),
    /// A single session.
    Session(Arc<str>),
    /// Every client of the server.
    Everyone,
    /// Clients with neither user nor session: those of 2026-07-28 without a gateway.
    Anonymous,
}

/// The key of an instance, and the protocol towards its process.
pub struct Lease {
    /// The isolation key of the process.
    pub owner: Owner,
    /// The user, if the owner has one.
    pub user: Option<Arc<str>>,
    /// The eras of the clients and of the process.
    pub pairing: Pairing,
    /// The parameters of `initialize`, if the process has a handshake.
    pub initialize: Option<InitializeParams>,
}

/// A server instance with its process, sessions and pending requests.
pub struct ServerInstance {
    /// The server that the process belongs to.
    pub server: Arc<Server>,
    /// The isolation key of the process.
    pub owner: Owner,
    /// The user, if the owner has one.
    pub user: Option<Arc<str>>,
    /// The eras of the clients and of the process.
    pub pairing: Pairing,
    /// The parameters of the handshake, which is repeated after a restart.
    pub initialize: Option<InitializeParams>,
    live: Mutex<Option<Arc<Process>>>,
    /// Locked while a process is started.
    starting: tokio::sync::Mutex<()>,
    /// The server information from the latest handshake.
    greeting: Mutex<Option<Arc<ServerInfo>>>,
    /// `true` once the process has received `notifications/initialized`.
    greeted: AtomicBool,
    /// The back-off state of this instance, so that a user who crashes the server does not slow down others.
    health: Health,
    closed: AtomicBool,
    touched: AtomicU64,
    sessions: Mutex<Vec<Arc<Session>>>,
    /// The grants that authorize its requests.
    grants: Grants,
    /// The session of each user whose clients send no session id.
    ambient: Mutex<HashMap<Option<Arc<str>>, Arc<Session>>>,
    /// Open subscriptions of clients of 2026-07-28.
    listeners: Mutex<Vec<Arc<Listener>>>,
    /// The state of the pairing, if the eras are the same.
    same_era: SameEra,
    /// The state of the pairing, if the clients are modern and the server is legacy.
    to_legacy: ModernToLegacy,
    /// The state of the pairing, if the clients are legacy and the server is modern.
    to_modern: LegacyToModern,
    me: Weak<ServerInstance>,
}

impl ServerInstance {
    /// Creates an instance without a process or sessions.
    #[must_use]
    pub fn new(server: Arc<Server>, lease: Lease) -> Arc<Self> {
        let Lease { owner, user, pairing, initialize } = lease;
        Arc::new_cyclic(|me| Self {
            server,
            owner,
            user,
            pairing,
            initialize,
            live: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            greeting: Mutex::default(),
            greeted: AtomicBool::new(false),
            health: Health::default(),
            closed: AtomicBool::new(false),
            touched: now_ms().into(),
            sessions: Mutex::default(),
            grants: Grants::default(),
            ambient: Mutex::default(),
            listeners: Mutex::default(),
            same_era: SameEra::default(),
            to_legacy: ModernToLegacy::default(),
            to_modern: LegacyToModern::default(),
            me: Weak::clone(me),
        })
    }

    /// Returns the process, if it can answer.
    pub fn live(&self) -> Option<Arc<Process>> {
        self.live.lock().as_ref().filter(|process| process.is_live()).cloned()
    }

    /// Returns the server information, once the handshake is complete.
    pub fn greeting(&self) -> Option<Arc<ServerInfo>> {
        self.greeting.lock().clone()
    }

    /// Attaches a session to this instance.
    pub fn attach(&self, session: &Arc<Session>) {
        self.sessions.lock().push(Arc::clone(session));
    }

    /// Detaches a session. Returns `true` if it was the last.
    pub fn detach(&self, serial: u64) -> bool {
        let (left, is_last) = {
            let mut sessions = self.sessions.lock();
            let left: Vec<_> = sessions.extract_if(.., |one| one.serial == serial).collect();
            (left, sessions.is_empty())
        };
        if !is_last {
            for session in &left {
                self.forget_said(session);
            }
        }
        is_last
    }

    /// Returns the session of the clients of `principal` that send no session id. Users never share such a
    /// session, not even where they share the process.
    pub fn ambient(&self, principal: Option<Arc<str>>) -> Arc<Session> {
        let mut ambient = self.ambient.lock();
        if let Some(session) = ambient.get(&principal) {
            return Arc::clone(session);
        }
        if ambient.len() >= AMBIENT
            && let Some(oldest) = ambient.values().min_by_key(|session| session.used()).cloned()
        {
            ambient.remove(&oldest.principal);
            self.detach(oldest.serial);
            oldest.close();
        }
        let version =
            self.initialize.as_ref().map_or(NEWEST_HANDSHAKE, |initialize| &initialize.version);
        let session = Session::new(None, principal.clone(), Revision::of(version));
        self.attach(&session);
        ambient.insert(principal, Arc::clone(&session));
        session
    }

    /// Returns `true` if the process serves several users. Messages that do not clearly belong to one user
    /// are then dropped, and per-client state of the server is withheld: tasks, log levels, questions.
    pub fn is_shared(&self) -> bool {
        self.owner == Owner::Everyone
    }

    /// Returns `true` if the process speaks 2026-07-28.
    pub fn is_modern(&self) -> bool {
        self.pairing.server == Era::Modern || self.is_upgraded()
    }

    /// Records a use by a client.
    pub fn touch(&self) {
        self.touched.store(now_ms(), Ordering::Relaxed);
    }

    /// Returns the time of the last use by a client, in milliseconds.
    pub fn used(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }

    /// Returns `true` if its processes keep crashing.
    pub fn is_crashing(&self) -> bool {
        self.health.is_failing()
    }

    /// Returns the number of sessions.
    pub fn sessions(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Returns `true` if no session is left and none is being opened. Clients of 2026-07-28 have no sessions,
    /// so their instance is empty when it has no process.
    pub fn is_empty(&self) -> bool {
        self.sessions() == 0
            && (self.pairing.clients == Era::Legacy || self.live().is_none())
            && !self.is_listened_to()
            && self.starting.try_lock().is_ok()
            && since_ms(self.used()) > Duration::from_secs(5)
    }

    /// Expires sessions without an id that were idle for longer than `timeout`. Returns the ids of the other
    /// sessions that were.
    pub fn expire(&self, timeout: Duration) -> Vec<String> {
        self.ambient.lock().retain(|_, session| session.idle() <= timeout);
        let left: Vec<_> = self
            .sessions
            .lock()
            .extract_if(.., |session| session.id.is_none() && session.idle() > timeout)
            .collect();
        for session in &left {
            self.forget_said(session);
        }
        let sessions = self.sessions.lock();
        let silent = sessions.iter().filter(|session| session.idle() > timeout);
        silent.filter_map(|session| session.id.clone()).collect()
    }

    /// Records that `notifications/initialized` was sent. Returns `true` if it must be forwarded: a process
    /// must receive it once, however many sessions share it.
    pub fn greet(&self) -> bool {
        !self.greeted.swap(true, Ordering::Relaxed)
    }

    /// Forwards a client's cancellation and ends the stream of the call without a response: "Receivers of
    /// cancellation SHOULD not send a response". Returns `true` if the call was in flight.
    pub fn cancel(&self, session: u64, client_id: &str, text: &str) -> bool {
        let Some(process) = self.live() else { return false };
        let Some((id, call)) = process.calls.take_named(session, client_id) else { return false };
        if text.len() > LONGEST {
            process.cancel(id, "the request was cancelled");
        } else if let Some(range) = splice::span(text, client_id) {
            process.post_notification(splice::line(text, &mut [(range, id.to_string())]));
        }
        call.stream.withdraw();
        true
    }
}
