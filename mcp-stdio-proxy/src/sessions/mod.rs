//! The registry of instances and sessions, which finds those of a request (Streamable HTTP, "Session
//! Management").

mod housekeeping;
mod modern;
mod permit;
mod revoked;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_contract::revision::Revision;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::task::JoinHandle;

use crate::config::catalogue::{Catalogue, Isolation};
use crate::config::settings::Settings;
use crate::instances::instance::{InitializeParams, Lease, Owner, ServerInstance};
use crate::instances::server::Server;
use crate::instances::session::Session;
use crate::instances::unavailable::Unavailable;
use crate::messages::pairing::Pairing;
use crate::process::Process;
use crate::process::pool::ProcessPool;
use crate::process::quota::Quota;
use crate::random;

/// The maximum number of sessions per user, so that clients that never end theirs cannot evict those of
/// others.
const SESSIONS_OF_A_USER: usize = 256;

/// A session and the instance that it belongs to.
#[derive(Clone)]
pub struct SessionBinding {
    /// The instance with the process.
    pub instance: Arc<ServerInstance>,
    /// The session of the client.
    pub session: Arc<Session>,
}

/// The key of an instance: the server, the isolation key, and the eras of both sides.
type Key = (Arc<str>, Owner, Pairing);

/// The run-time state of the proxy.
pub struct SessionRegistry {
    /// The settings of the proxy.
    pub settings: Arc<Settings>,
    pool: Arc<ProcessPool>,
    servers: Mutex<BTreeMap<Arc<str>, Arc<Server>>>,
    instances: Mutex<HashMap<Key, Vec<Arc<ServerInstance>>>>,
    bindings: Mutex<HashMap<String, SessionBinding>>,
    draining: AtomicBool,
}

impl SessionRegistry {
    /// Creates a registry with the servers of `catalogue`.
    #[must_use]
    pub fn new(settings: Settings, catalogue: &Catalogue) -> Arc<Self> {
        let quota = Quota::new(settings.limits.max_children, settings.limits.max_children_per_user);
        let pool = ProcessPool::new(quota);
        let registry = Arc::new(Self {
            settings: Arc::new(settings),
            pool,
            servers: Mutex::default(),
            instances: Mutex::default(),
            bindings: Mutex::default(),
            draining: AtomicBool::new(false),
        });
        registry.apply(catalogue);
        registry
    }

    /// Makes this process the subreaper, so that it adopts orphans of servers.
    pub fn adopt_orphans(&self) {
        self.pool.adopt_orphans();
    }

    /// Logs the level of confinement of server processes.
    pub fn report_confinement(&self) {
        self.pool.report_confinement();
    }

    /// Returns the server `name`.
    pub fn server(&self, name: &str) -> Option<Arc<Server>> {
        self.servers.lock().get(name).cloned()
    }

    /// Returns all servers.
    pub fn servers(&self) -> Vec<Arc<Server>> {
        self.servers.lock().values().cloned().collect()
    }

    /// Returns all instances.
    pub fn instances(&self) -> Vec<Arc<ServerInstance>> {
        self.instances.lock().values().flatten().cloned().collect()
    }

    /// Returns the number of sessions.
    pub fn sessions(&self) -> usize {
        self.bindings.lock().len()
    }

    /// Returns the number of processes of a server.
    pub fn children(&self, server: &str) -> usize {
        self.pool.quota.by_server().get(server).copied().unwrap_or_default()
    }

    /// Returns `true` if the proxy is shutting down.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Opens a session for a client that has sent `initialize`. Returns its binding and the result.
    pub async fn open(
        self: &Arc<Self>,
        server: &Arc<Server>,
        principal: Option<Arc<str>>,
        initialize: InitializeParams,
    ) -> Result<(SessionBinding, String), Unavailable> {
        // "globally unique and cryptographically secure", visible ASCII.
        let Some(id) = random::name() else {
            return Err(Unavailable::Busy { what: "no random numbers" });
        };
        self.make_room_for_session(principal.as_deref());
        let (owner, initialize) = match (server.isolation(), &principal) {
            // Only the proxy itself can speak for all clients of a shared process.
            (Isolation::Shared, _) => {
                (Owner::Everyone, InitializeParams::of_proxy(&initialize.version))
            }
            (Isolation::Principal, Some(name)) => (Owner::Principal(Arc::clone(name)), initialize),
            _ => (Owner::Session(id.as_str().into()), initialize),
        };
        let user = principal.clone().filter(|_| owner != Owner::Everyone);
        let lease = Lease { owner, user, pairing: Pairing::LEGACY, initialize: Some(initialize) };
        let instance = self.instance(server, lease);
        let (registry, opened) = (Arc::clone(self), Arc::clone(&instance));
        // Spawned, so that a client that disconnects leaves no half-started process.
        let opening = tokio::spawn(async move {
            let permit = registry.permit(&opened.server, opened.user.as_ref());
            opened.open(permit).await.inspect_err(|_| registry.drop_unused(&opened))
        });
        let result = started(server, opening).await.inspect_err(|why| {
            // The client was not told its session id, so no client can use the process once the package is
            // installed.
            if matches!((why, &instance.owner), (Unavailable::Installing { .. }, Owner::Session(_)))
            {
                self.remove(&instance);
            }
        })?;
        let session = Session::new(Some(id.clone()), principal, revision_of(&result));
        instance.attach(&session);
        let binding = SessionBinding { instance, session };
        self.bindings.lock().insert(id, binding.clone());
        Ok((binding, result))
    }

    /// Returns the session `id` of `principal` at `server`. A session of another user is treated as unknown.
    pub fn binding(
        &self,
        id: &str,
        server: &Server,
        principal: Option<&str>,
    ) -> Option<SessionBinding> {
        let bindings = self.bindings.lock();
        let binding = bindings.get(id)?;
        let theirs = binding.session.principal.as_deref() == principal
            && binding.instance.server.name == server.name;
        theirs.then(|| binding.clone())
    }

    /// Returns the session for requests without a session id. Returns `None` if nothing identifies their
    /// owner.
    pub fn ambient(
        &self,
        server: &Arc<Server>,
        principal: Option<Arc<str>>,
    ) -> Option<SessionBinding> {
        let (owner, user) = match (server.isolation(), &principal) {
            (Isolation::Shared, _) => (Owner::Everyone, None),
            (Isolation::Principal, Some(name)) => {
                (Owner::Principal(Arc::clone(name)), principal.clone())
            }
            _ => return None,
        };
        let pairing = Pairing::LEGACY;
        let key = (Arc::clone(&server.name), owner, pairing);
        let last =
            self.instances.lock().get(&key).and_then(|instances| {
                instances.iter().max_by_key(|instance| instance.used()).cloned()
            });
        let instance = last.unwrap_or_else(|| {
            let lease =
                Lease { owner: key.1, user, pairing, initialize: Some(InitializeParams::newest()) };
            self.instance(server, lease)
        });
        let session = instance.ambient(principal);
        Some(SessionBinding { instance, session })
    }

    fn instance(&self, server: &Arc<Server>, lease: Lease) -> Arc<ServerInstance> {
        let mut instances = self.instances.lock();
        let key = (Arc::clone(&server.name), lease.owner.clone(), lease.pairing);
        let here = instances.entry(key).or_default();
        let alike =
            |instance: &&Arc<ServerInstance>| match (&instance.initialize, &lease.initialize) {
                (Some(one), Some(other)) => one.is_like(other),
                (one, other) => one.is_none() && other.is_none(),
            };
        if let Some(instance) = here.iter().find(alike) {
            instance.touch();
            return Arc::clone(instance);
        }
        let instance = ServerInstance::new(Arc::clone(server), lease);
        here.push(Arc::clone(&instance));
        instance
    }

    /// Returns the process of `instance`; starts one if necessary.
    pub async fn process(
        self: &Arc<Self>,
        instance: &Arc<ServerInstance>,
    ) -> Result<Arc<Process>, Unavailable> {
        instance.touch();
        if let Some(process) = instance.live() {
            return Ok(process);
        }
        let (registry, started_room) = (Arc::clone(self), Arc::clone(instance));
        let starting = tokio::spawn(async move {
            let instance = started_room;
            instance.ready(registry.permit(&instance.server, instance.user.as_ref())).await
        });
        started(&instance.server, starting).await
    }

    /// Ends the session `id`, and its process if no other session uses it.
    pub fn end(&self, id: &str) {
        let Some(binding) = self.bindings.lock().remove(id) else { return };
        binding.session.close();
        if binding.instance.detach(binding.session.serial) {
            self.remove(&binding.instance);
        }
    }

    fn drop_unused(&self, instance: &Arc<ServerInstance>) {
        if instance.sessions() == 0 {
            self.remove(instance);
        }
    }

    /// Removes `instance` and stops its process.
    fn remove(&self, instance: &Arc<ServerInstance>) {
        let key = (Arc::clone(&instance.server.name), instance.owner.clone(), instance.pairing);
        {
            let mut instances = self.instances.lock();
            if let Some(here) = instances.get_mut(&key) {
                here.retain(|one| !Arc::ptr_eq(one, instance));
                if here.is_empty() {
                    instances.remove(&key);
                }
            }
        }
        instance.close();
    }

    /// Evicts the least recently used session if the limit per user or in total is reached.
    fn make_room_for_session(&self, principal: Option<&str>) {
        let oldest = {
            let bindings = self.bindings.lock();
            let theirs = |binding: &SessionBinding| {
                principal.is_some() && binding.session.principal.as_deref() == principal
            };
            let many =
                bindings.values().filter(|binding| theirs(binding)).count() >= SESSIONS_OF_A_USER;
            if !many && bindings.len() < self.settings.limits.max_sessions {
                return;
            }
            let candidates = bindings.iter().filter(|(_, binding)| !many || theirs(binding));
            let oldest = candidates.min_by_key(|(_, binding)| binding.session.used());
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
    server: &Server,
    mut starting: JoinHandle<Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    let soon = tokio::time::timeout(server.start_timeout(), &mut starting).await;
    let outcome = match soon {
        Ok(outcome) => outcome,
        Err(_) if server.is_being_installed() => {
            return Err(Unavailable::Installing { server: Arc::clone(&server.name) });
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
