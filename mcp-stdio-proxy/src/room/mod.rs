//! A server process for one owner, and the sessions that share it; the process may be replaced.

mod answers;
mod asks;
mod audience;
mod grants;
mod handshake;
mod level;
mod lifetime;
mod listen;
mod mirrors;
mod modern;
mod questions;
mod roots;
mod rounds;
mod said;
mod shared;
mod start;
pub mod upgrade;
mod watching;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use gateway_contract::revision::{Era, NEWEST_HANDSHAKE, Revision};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::backend::Backend;
use crate::child::Child;
use crate::health::Health;
use crate::protocol::pairing::Pairing;
use crate::protocol::splice;
use crate::session::Session;
use crate::sync::{now_ms, since_ms};
use crate::translate::discover::Greeting;
use crate::translate::input::Question;
pub use answers::taker;
use asks::Ask;
pub use asks::SETTLING;
use grants::Grants;
pub use handshake::{Hello, LONGEST};
use listen::Listener;
pub use listen::Listening;
use mirrors::Known;
use questions::Unasked;
pub use roots::CHANGED as ROOTS_CHANGED;
use roots::Roots;
use rounds::Rounds;
use watching::Watching;

/// The most users of a room whose clients send no session id; then the one that was silent longest is
/// forgotten.
const AMBIENT: usize = 1024;

/// Whom a process works for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A user, as named by the gateway.
    Principal(Arc<str>),
    /// One session.
    Session(Arc<str>),
    /// Everyone.
    Everyone,
    /// Clients that have neither user nor session: those of 2026-07-28 without a gateway.
    Anonymous,
}

/// Whom a room is for, and how its process is spoken to.
pub struct Lease {
    /// Whom its process works for.
    pub owner: Owner,
    /// The user, if the owner has one.
    pub user: Option<Arc<str>>,
    /// Of which era its clients and its process are.
    pub pairing: Pairing,
    /// What is said to the process first, if it is one with a handshake.
    pub hello: Option<Hello>,
}

/// See the module.
pub struct Room {
    /// The server.
    pub backend: Arc<Backend>,
    /// Whom it works for.
    pub owner: Owner,
    /// The user, if the owner has one.
    pub user: Option<Arc<str>>,
    /// Of which era its clients and its process are.
    pub pairing: Pairing,
    /// What was said to the server first, and is said again after a restart.
    pub hello: Option<Hello>,
    live: Mutex<Option<Arc<Child>>>,
    /// Held while a process is started.
    starting: tokio::sync::Mutex<()>,
    /// What the last process has said of itself.
    greeting: Mutex<Option<Arc<Greeting>>>,
    /// Whether the process was told `notifications/initialized`.
    greeted: AtomicBool,
    /// How its processes fared: a user whose requests end the server slows down nobody else.
    health: Health,
    closed: AtomicBool,
    touched: AtomicU64,
    sessions: Mutex<Vec<Arc<Session>>>,
    /// The grants that its requests rest on.
    grants: Grants,
    /// The session of each user whose clients send no session id.
    ambient: Mutex<HashMap<Option<Arc<str>>, Arc<Session>>>,
    /// What the server asks its clients.
    asks: Mutex<HashMap<u64, Ask>>,
    /// A client has answered one of them.
    heard_back: Notify,
    roots: Roots,
    /// When the server was last told the roots of a client.
    told_roots: Mutex<Option<Instant>>,
    /// Clients of 2026-07-28 that listen for changes.
    listeners: Mutex<Vec<Arc<Listener>>>,
    /// Questions of the server that are about to be put to the client, by process and call.
    gathered: Mutex<HashMap<(u32, u64), Vec<Question>>>,
    /// Questions of the server that no request of a client could be answered with yet.
    unasked: Mutex<Vec<Unasked>>,
    /// Which parameters of tools are repeated in headers.
    known: Mutex<Option<Known>>,
    /// The process that was told from which level on to log, and the level.
    level: Mutex<Option<(u32, usize)>>,
    /// Whether its clients have a handshake and its process has none.
    upgraded: AtomicBool,
    /// What its clients have said of themselves, for a process that has no handshake.
    envelope: OnceLock<String>,
    /// What such a process is asked to tell.
    watching: Watching,
    /// What such a process asks the clients.
    rounds: Rounds,
    me: Weak<Room>,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(backend: Arc<Backend>, lease: Lease) -> Arc<Self> {
        let Lease { owner, user, pairing, hello } = lease;
        Arc::new_cyclic(|me| Self {
            backend,
            owner,
            user,
            pairing,
            hello,
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
            asks: Mutex::default(),
            heard_back: Notify::new(),
            roots: Roots::default(),
            told_roots: Mutex::default(),
            listeners: Mutex::default(),
            gathered: Mutex::default(),
            unasked: Mutex::default(),
            known: Mutex::default(),
            level: Mutex::default(),
            upgraded: AtomicBool::new(false),
            envelope: OnceLock::new(),
            watching: Watching::default(),
            rounds: Rounds::default(),
            me: Weak::clone(me),
        })
    }

    /// The process, if it can answer.
    pub fn live(&self) -> Option<Arc<Child>> {
        self.live.lock().as_ref().filter(|child| child.is_live()).cloned()
    }

    /// What the process has said of itself, once it has.
    pub fn greeting(&self) -> Option<Arc<Greeting>> {
        self.greeting.lock().clone()
    }

    /// Adds a session.
    pub fn attach(&self, session: &Arc<Session>) {
        self.sessions.lock().push(Arc::clone(session));
    }

    /// Removes a session. Returns `true` if it was the last.
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

    /// The session of the clients of `principal` that send no session id. No other user has a part in it,
    /// also where the process is for all.
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
        let version = self.hello.as_ref().map_or(NEWEST_HANDSHAKE, |hello| &hello.version);
        let session = Session::new(None, principal.clone(), Revision::of(version));
        self.attach(&session);
        ambient.insert(principal, Arc::clone(&session));
        session
    }

    /// Whether the process serves several users. Then nothing that is not plainly for one of them reaches
    /// any, and what a process keeps for the one that asked is withheld: tasks, log levels, questions.
    pub fn is_shared(&self) -> bool {
        self.owner == Owner::Everyone
    }

    /// Returns `true` if its process speaks 2026-07-28.
    pub fn is_modern(&self) -> bool {
        self.pairing.server == Era::Modern || self.is_upgraded()
    }

    /// Notes that a client is about to use it.
    pub fn touch(&self) {
        self.touched.store(now_ms(), Ordering::Relaxed);
    }

    /// When a client last used it.
    pub fn used(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }

    /// Whether its processes end again and again.
    pub fn is_crashing(&self) -> bool {
        self.health.is_failing()
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Whether no session is left, and none is being opened. Clients of 2026-07-28 have none: their
    /// room is left when its process is.
    pub fn is_empty(&self) -> bool {
        self.sessions() == 0
            && (self.pairing.clients == Era::Legacy || self.live().is_none())
            && !self.is_listened_to()
            && self.starting.try_lock().is_ok()
            && since_ms(self.used()) > Duration::from_secs(5)
    }

    /// Forgets the sessions of clients without session id once they were silent for `timeout`, and
    /// returns the ids of the others that were.
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

    /// Notes that a client has sent `notifications/initialized`; whether to pass it on. A process
    /// must hear it once, however many sessions share it.
    pub fn greet(&self) -> bool {
        !self.greeted.swap(true, Ordering::Relaxed)
    }

    /// Passes a client's cancellation on and ends the call's stream without an answer: "Receivers of cancellation
    /// SHOULD not send a response". Returns `true` if there was the call.
    pub fn cancel(&self, session: u64, client_id: &str, text: &str) -> bool {
        let Some(child) = self.live() else { return false };
        let Some((id, call)) = child.calls.take_named(session, client_id) else { return false };
        if text.len() > LONGEST {
            child.cancel(id, "the request was cancelled");
        } else if let Some(range) = splice::span(text, client_id) {
            child.post_notification(splice::line(text, &mut [(range, id.to_string())]));
        }
        call.stream.withdraw();
        true
    }
}
