//! The registry of instances and sessions, which finds those of a request (Streamable HTTP, "Session
//! Management").

mod housekeeping;
mod modern;
mod permit;
mod revoked;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_contract::revision::{Era, Revision};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::task::JoinHandle;

use crate::config::catalogue::{Catalogue, Isolation};
use crate::config::settings::Settings;
use crate::instances::bridge::Bridge;
use crate::instances::initialize::InitializeParams;
use crate::instances::instance::ServerInstance;
use crate::instances::key::{InstanceKey, Owner};
use crate::instances::server::Server;
use crate::instances::session::Session;
use crate::instances::unavailable::Unavailable;
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

/// The key of similar instances: the server, the isolation key, and the era of the clients.
type GroupKey = (Arc<str>, Owner, Era);

/// Returns the key of the instances of `server` that are similar to one with `key`.
fn group(server: &Server, key: &InstanceKey) -> GroupKey {
    (Arc::clone(&server.name), key.owner.clone(), key.clients)
}

/// The run-time state of the proxy.
pub struct SessionRegistry {
    /// The settings of the proxy.
    pub settings: Arc<Settings>,
    pool: Arc<ProcessPool>,
    servers: Mutex<BTreeMap<Arc<str>, Arc<Server>>>,
    instances: Mutex<HashMap<GroupKey, Vec<Arc<ServerInstance>>>>,
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

    /// Returns the pool of the server processes.
    pub fn pool(&self) -> &ProcessPool {
        &self.pool
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
        let key = InstanceKey { owner, user, clients: Era::Legacy, initialize: Some(initialize) };
        let instance = self.instance(server, key);
        let (registry, opened) = (Arc::clone(self), Arc::clone(&instance));
        // Spawned, so that a client that disconnects leaves no half-started process.
        let opening = tokio::spawn(async move {
            let permit = registry.permit(&opened.server, opened.key.user.as_ref());
            opened.open(permit).await.inspect_err(|_| registry.drop_unused(&opened))
        });
        let result = started(server, opening).await.inspect_err(|why| {
            // The client was not told its session id, so no client can use the process once the package is
            // installed.
            if matches!(
                (why, &instance.key.owner),
                (Unavailable::Installing { .. }, Owner::Session(_))
            ) {
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
        let initialize = Some(InitializeParams::newest());
        let key = InstanceKey { owner, user, clients: Era::Legacy, initialize };
        let last =
            self.instances.lock().get(&group(server, &key)).and_then(|instances| {
                instances.iter().max_by_key(|instance| instance.used()).cloned()
            });
        let instance = last.unwrap_or_else(|| self.instance(server, key));
        let session = instance.ambient(principal);
        Some(SessionBinding { instance, session })
    }

    /// Returns the instance of `server` with `key`, which may be new.
    fn instance(&self, server: &Arc<Server>, key: InstanceKey) -> Arc<ServerInstance> {
        let mut instances = self.instances.lock();
        let here = instances.entry(group(server, &key)).or_default();
        if let Some(instance) = here.iter().find(|one| one.key.opens_like(&key)) {
            instance.touch();
            return Arc::clone(instance);
        }
        let instance = ServerInstance::new(Arc::clone(server), key);
        here.push(Arc::clone(&instance));
        instance
    }

    /// Returns the bridge to the process of `instance`; starts a process if necessary.
    pub async fn bridge(
        self: &Arc<Self>,
        instance: &Arc<ServerInstance>,
    ) -> Result<Arc<dyn Bridge>, Unavailable> {
        instance.touch();
        if let Some(bridge) = instance.live() {
            return Ok(bridge);
        }
        let (registry, starting) = (Arc::clone(self), Arc::clone(instance));
        let starting = tokio::spawn(async move {
            starting.ready(registry.permit(&starting.server, starting.key.user.as_ref())).await
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
        let key = group(&instance.server, &instance.key);
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
        Err(_) if server.starter.is_being_installed() => {
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
