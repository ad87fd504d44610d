//! The registry of instances and sessions, which finds those of a request (Streamable HTTP, "Session
//! Management").

mod modern;
mod permit;
mod revoked;
mod sweep;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_contract::revision::Revision;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::task::JoinHandle;

use crate::backend::Backend;
use crate::catalogue::{Catalogue, Isolation};
use crate::child::Child;
use crate::child::nursery::Nursery;
use crate::child::quota::Quota;
use crate::protocol::pairing::Pairing;
use crate::room::{Hello, Lease, Owner, Room};
use crate::session::Session;
use crate::settings::Settings;
use crate::unavailable::Unavailable;
use crate::unguessable;

/// The maximum number of sessions per user, so that clients that never end theirs cannot evict those of
/// others.
const SESSIONS_OF_A_USER: usize = 256;

/// A session and the instance that it belongs to.
#[derive(Clone)]
pub struct Seat {
    /// The instance with the process.
    pub room: Arc<Room>,
    /// The session of the client.
    pub session: Arc<Session>,
}

/// The key of an instance: the server, the isolation key, and the eras of both sides.
type Key = (Arc<str>, Owner, Pairing);

/// The run-time state of the proxy.
pub struct Hub {
    /// The settings of the proxy.
    pub settings: Arc<Settings>,
    nursery: Arc<Nursery>,
    backends: Mutex<BTreeMap<Arc<str>, Arc<Backend>>>,
    rooms: Mutex<HashMap<Key, Vec<Arc<Room>>>>,
    seats: Mutex<HashMap<String, Seat>>,
    draining: AtomicBool,
}

impl Hub {
    /// Creates a hub with the servers of `catalogue`.
    #[must_use]
    pub fn new(settings: Settings, catalogue: &Catalogue) -> Arc<Self> {
        let quota = Quota::new(settings.max_children, settings.max_children_per_principal);
        let nursery = Nursery::new(quota);
        let hub = Arc::new(Self {
            settings: Arc::new(settings),
            nursery,
            backends: Mutex::default(),
            rooms: Mutex::default(),
            seats: Mutex::default(),
            draining: AtomicBool::new(false),
        });
        hub.apply(catalogue);
        hub
    }

    /// Makes this process the subreaper, so that it adopts orphans of servers.
    pub fn adopt_orphans(&self) {
        self.nursery.adopt_orphans();
    }

    /// Logs the level of confinement of server processes.
    pub fn report_confinement(&self) {
        self.nursery.report_confinement();
    }

    /// Returns the server `name`.
    pub fn backend(&self, name: &str) -> Option<Arc<Backend>> {
        self.backends.lock().get(name).cloned()
    }

    /// Returns all servers.
    pub fn backends(&self) -> Vec<Arc<Backend>> {
        self.backends.lock().values().cloned().collect()
    }

    /// Returns all instances.
    pub fn rooms(&self) -> Vec<Arc<Room>> {
        self.rooms.lock().values().flatten().cloned().collect()
    }

    /// Returns the number of sessions.
    pub fn sessions(&self) -> usize {
        self.seats.lock().len()
    }

    /// Returns the number of processes of a server.
    pub fn children(&self, server: &str) -> usize {
        self.nursery.quota.by_server().get(server).copied().unwrap_or_default()
    }

    /// Returns `true` if the proxy is shutting down.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Opens a session for a client that has sent `initialize`. Returns its seat and the result.
    pub async fn open(
        self: &Arc<Self>,
        backend: &Arc<Backend>,
        principal: Option<Arc<str>>,
        hello: Hello,
    ) -> Result<(Seat, String), Unavailable> {
        // "globally unique and cryptographically secure", visible ASCII.
        let Some(id) = unguessable::name() else {
            return Err(Unavailable::Busy { what: "no random numbers" });
        };
        self.make_room_for_session(principal.as_deref());
        let (owner, hello) = match (backend.isolation(), &principal) {
            // Only the proxy itself can speak for all clients of a shared process.
            (Isolation::Shared, _) => (Owner::Everyone, Hello::of_proxy(&hello.version)),
            (Isolation::Principal, Some(name)) => (Owner::Principal(Arc::clone(name)), hello),
            _ => (Owner::Session(id.as_str().into()), hello),
        };
        let user = principal.clone().filter(|_| owner != Owner::Everyone);
        let lease = Lease { owner, user, pairing: Pairing::LEGACY, hello: Some(hello) };
        let room = self.room(backend, lease);
        let (hub, opened) = (Arc::clone(self), Arc::clone(&room));
        // Spawned, so that a client that disconnects leaves no half-started process.
        let opening = tokio::spawn(async move {
            let permit = hub.permit(&opened.backend, opened.user.as_ref());
            opened.open(permit).await.inspect_err(|_| hub.drop_unused(&opened))
        });
        let result = started(backend, opening).await.inspect_err(|why| {
            // The client was not told its session id, so no client can use the process once the package is
            // installed.
            if matches!((why, &room.owner), (Unavailable::Installing { .. }, Owner::Session(_))) {
                self.remove(&room);
            }
        })?;
        let session = Session::new(Some(id.clone()), principal, revision_of(&result));
        room.attach(&session);
        let seat = Seat { room, session };
        self.seats.lock().insert(id, seat.clone());
        Ok((seat, result))
    }

    /// Returns the session `id` of `principal` at `backend`. A session of another user is treated as unknown.
    pub fn seat(&self, id: &str, backend: &Backend, principal: Option<&str>) -> Option<Seat> {
        let seats = self.seats.lock();
        let seat = seats.get(id)?;
        let theirs = seat.session.principal.as_deref() == principal
            && seat.room.backend.name == backend.name;
        theirs.then(|| seat.clone())
    }

    /// Returns the session for requests without a session id. Returns `None` if nothing identifies their
    /// owner.
    pub fn ambient(&self, backend: &Arc<Backend>, principal: Option<Arc<str>>) -> Option<Seat> {
        let (owner, user) = match (backend.isolation(), &principal) {
            (Isolation::Shared, _) => (Owner::Everyone, None),
            (Isolation::Principal, Some(name)) => {
                (Owner::Principal(Arc::clone(name)), principal.clone())
            }
            _ => return None,
        };
        let pairing = Pairing::LEGACY;
        let key = (Arc::clone(&backend.name), owner, pairing);
        let last = self
            .rooms
            .lock()
            .get(&key)
            .and_then(|rooms| rooms.iter().max_by_key(|room| room.used()).cloned());
        let room = last.unwrap_or_else(|| {
            let lease = Lease { owner: key.1, user, pairing, hello: Some(Hello::newest()) };
            self.room(backend, lease)
        });
        let session = room.ambient(principal);
        Some(Seat { room, session })
    }

    fn room(&self, backend: &Arc<Backend>, lease: Lease) -> Arc<Room> {
        let mut rooms = self.rooms.lock();
        let key = (Arc::clone(&backend.name), lease.owner.clone(), lease.pairing);
        let here = rooms.entry(key).or_default();
        let alike = |room: &&Arc<Room>| match (&room.hello, &lease.hello) {
            (Some(one), Some(other)) => one.is_like(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        if let Some(room) = here.iter().find(alike) {
            room.touch();
            return Arc::clone(room);
        }
        let room = Room::new(Arc::clone(backend), lease);
        here.push(Arc::clone(&room));
        room
    }

    /// Returns the process of `room`; starts one if necessary.
    pub async fn child(self: &Arc<Self>, room: &Arc<Room>) -> Result<Arc<Child>, Unavailable> {
        room.touch();
        if let Some(child) = room.live() {
            return Ok(child);
        }
        let (hub, started_room) = (Arc::clone(self), Arc::clone(room));
        let starting = tokio::spawn(async move {
            let room = started_room;
            room.ready(hub.permit(&room.backend, room.user.as_ref())).await
        });
        started(&room.backend, starting).await
    }

    /// Ends the session `id`, and its process if no other session uses it.
    pub fn end(&self, id: &str) {
        let Some(seat) = self.seats.lock().remove(id) else { return };
        seat.session.close();
        if seat.room.detach(seat.session.serial) {
            self.remove(&seat.room);
        }
    }

    fn drop_unused(&self, room: &Arc<Room>) {
        if room.sessions() == 0 {
            self.remove(room);
        }
    }

    /// Removes `room` and stops its process.
    fn remove(&self, room: &Arc<Room>) {
        let key = (Arc::clone(&room.backend.name), room.owner.clone(), room.pairing);
        {
            let mut rooms = self.rooms.lock();
            if let Some(here) = rooms.get_mut(&key) {
                here.retain(|one| !Arc::ptr_eq(one, room));
                if here.is_empty() {
                    rooms.remove(&key);
                }
            }
        }
        room.close();
    }

    /// Evicts the least recently used session if the limit per user or in total is reached.
    fn make_room_for_session(&self, principal: Option<&str>) {
        let oldest = {
            let seats = self.seats.lock();
            let theirs =
                |seat: &Seat| principal.is_some() && seat.session.principal.as_deref() == principal;
            let many = seats.values().filter(|seat| theirs(seat)).count() >= SESSIONS_OF_A_USER;
            if !many && seats.len() < self.settings.max_sessions {
                return;
            }
            let candidates = seats.iter().filter(|(_, seat)| !many || theirs(seat));
            let oldest = candidates.min_by_key(|(_, seat)| seat.session.used());
            oldest.map(|(id, _)| id.clone())
        };
        if let Some(id) = oldest {
            self.end(&id);
        }
    }
}

/// Waits for a start, but returns an error once the start timeout has passed while a package is being
/// installed. The installation continues in the background.
async fn started<T>(
    backend: &Backend,
    mut starting: JoinHandle<Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    let soon = tokio::time::timeout(backend.start_timeout(), &mut starting).await;
    let outcome = match soon {
        Ok(outcome) => outcome,
        Err(_) if backend.is_being_installed() => {
            return Err(Unavailable::Installing { server: Arc::clone(&backend.name) });
        }
        Err(_) => starting.await,
    };
    outcome.map_err(|_| Unavailable::Closed).flatten()
}

/// Returns the revision in a result of `initialize`.
fn revision_of(result: &str) -> Revision {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "protocolVersion")]
        version: String,
    }
    serde_json::from_str::<Version>(result)
        .map_or(Revision::R20241105, |result| Revision::of(&result.version))
}
