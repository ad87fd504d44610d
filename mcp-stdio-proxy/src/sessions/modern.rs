//! Selection of the instance for a request of 2026-07-28, which has no session and is assigned by its owner
//! (MCP "Statelessness").

use std::sync::Arc;

use gateway_contract::revision::Era;

use super::{SessionRegistry, group, started};
use crate::config::catalogue::Isolation;
use crate::instances::era_probe::{self, ProbeResult};
use crate::instances::initialize::{InitializeParams, LONGEST};
use crate::instances::instance::ServerInstance;
use crate::instances::key::{InstanceKey, Owner};
use crate::instances::server::Server;
use crate::instances::unavailable::Unavailable;
use crate::messages::meta::Asked;

/// The maximum number of distinct capability sets that the clients of one person may have in use.
const DECLARATIONS: usize = 16;

impl SessionRegistry {
    /// Returns the instance for the requests of `principal` at `server`.
    pub async fn modern_instance(
        self: &Arc<Self>,
        server: &Arc<Server>,
        principal: Option<Arc<str>>,
        asked: &Asked<'_>,
    ) -> Result<Arc<ServerInstance>, Unavailable> {
        let (owner, user) = match (server.isolation(), principal) {
            (Isolation::Shared, _) => (Owner::Everyone, None),
            (_, Some(name)) => (Owner::Principal(Arc::clone(&name)), Some(name)),
            (_, None) => (Owner::Anonymous, None),
        };
        let era = self.era(server, user.as_ref()).await?;
        // Bounded, because an instance keeps the declarations of its clients.
        let short = |text: &&str| text.len() <= LONGEST;
        let declared = asked.capabilities().filter(short).unwrap_or("{}");
        let initialize = match (era, &owner) {
            (Era::Modern, _) => None,
            // Only the proxy itself can speak for all clients of a shared process.
            (Era::Legacy, Owner::Everyone) => Some(InitializeParams::newest()),
            (Era::Legacy, _) => {
                let key = (Arc::clone(&server.name), owner.clone(), Era::Modern);
                let known = |instance: &&Arc<ServerInstance>| {
                    let initialize = instance.key.initialize.as_ref();
                    initialize.is_some_and(|initialize| initialize.is_of(declared))
                };
                if let Some(instance) =
                    self.instances.lock().get(&key).and_then(|all| all.iter().find(known))
                {
                    return Ok(Arc::clone(instance));
                }
                Some(InitializeParams::of_modern(declared, asked.client_info().filter(short)))
            }
        };
        let key = InstanceKey { owner, user, clients: Era::Modern, initialize };
        self.make_room_for_declaration(server, &key)?;
        Ok(self.instance(server, key))
    }

    /// Evicts the least recently used instance if these clients have too many. Clients of a legacy server
    /// have one for each set of capabilities that they declare.
    fn make_room_for_declaration(
        &self,
        server: &Arc<Server>,
        key: &InstanceKey,
    ) -> Result<(), Unavailable> {
        let oldest = {
            let instances = self.instances.lock();
            let here = instances.get(&group(server, key)).map_or(&[][..], Vec::as_slice);
            if here.len() < DECLARATIONS {
                return Ok(());
            }
            let idle = here.iter().filter(|instance| instance.live().is_none());
            idle.min_by_key(|instance| instance.used()).cloned()
        };
        let busy = || Unavailable::Busy { what: "too many different capabilities are in use" };
        self.remove(&oldest.ok_or_else(busy)?);
        Ok(())
    }

    /// Returns the era of `server`, probed in a process of its own if it is unknown.
    pub async fn era(
        self: &Arc<Self>,
        server: &Arc<Server>,
        user: Option<&Arc<str>>,
    ) -> Result<Era, Unavailable> {
        if let Some(era) = server.eras.of(&server.config()) {
            return Ok(era);
        }
        let (registry, waiting, user) = (Arc::clone(self), Arc::clone(server), user.cloned());
        let server = Arc::clone(server);
        // Spawned, so that the probe survives a client that disconnects.
        let asked = tokio::spawn(async move { registry.ask_era(&server, user.as_ref()).await });
        started(&waiting, asked).await
    }

    async fn ask_era(
        &self,
        server: &Arc<Server>,
        user: Option<&Arc<str>>,
    ) -> Result<Era, Unavailable> {
        let _asking = server.eras.asking.lock().await;
        let config = server.config();
        if let Some(era) = server.eras.of(&config) {
            return Ok(era);
        }
        let name = user.map(|user| &**user);
        let mut installing = server.starter.install(&server.config(), name).await;
        let mut permit = self.permit(server, user).await?;
        let finding = loop {
            server.starter.succeed(name).await;
            let turn = server.starter.turn().await;
            let process = server.start(permit, name)?;
            // Marks it as leaving, so that no other process of this user is started concurrently.
            process.leave();
            let finding = era_probe::ask(&process, server.probe_timeout()).await;
            drop(turn);
            if finding != ProbeResult::Silence {
                installing.done();
                server.starter.learn(&process);
            }
            let has_failed = finding == ProbeResult::Silence && process.has_ended();
            process.end();
            if !has_failed || !server.starter.forget_start(&process) {
                break finding;
            }
            process.ended().await;
            permit = process.start.take_permit().ok_or(Unavailable::Closed)?;
            installing = server.starter.install(&server.config(), name).await;
        };
        log::info!(server = &*server.name; "server \"{}\" was asked for its era: {finding:?}", server.name);
        Ok(server.eras.note(config, finding))
    }
}
