//! Selection of the instance for a request of 2026-07-28, which has no session and is assigned by its owner
//! (MCP "Statelessness").

use std::sync::Arc;

use gateway_contract::revision::Era;

use super::{Hub, started};
use crate::backend::Backend;
use crate::catalogue::Isolation;
use crate::probe::{self, Finding};
use crate::protocol::meta::Asked;
use crate::protocol::pairing::Pairing;
use crate::room::{Hello, LONGEST, Lease, Owner, Room};
use crate::unavailable::Unavailable;

/// The maximum number of distinct capability sets that the clients of one person may have in use.
const DECLARATIONS: usize = 16;

impl Hub {
    /// Returns the instance for the requests of `principal` at `backend`.
    pub async fn modern_room(
        self: &Arc<Self>,
        backend: &Arc<Backend>,
        principal: Option<Arc<str>>,
        asked: &Asked<'_>,
    ) -> Result<Arc<Room>, Unavailable> {
        let (owner, user) = match (backend.isolation(), principal) {
            (Isolation::Shared, _) => (Owner::Everyone, None),
            (_, Some(name)) => (Owner::Principal(Arc::clone(&name)), Some(name)),
            (_, None) => (Owner::Anonymous, None),
        };
        let server = self.era(backend, user.as_ref()).await?;
        let pairing = Pairing { clients: Era::Modern, server };
        // Bounded, because an instance keeps the declarations of its clients.
        let short = |text: &&str| text.len() <= LONGEST;
        let declared = asked.capabilities().filter(short).unwrap_or("{}");
        let hello = match (server, &owner) {
            (Era::Modern, _) => None,
            // Only the proxy itself can speak for all clients of a shared process.
            (Era::Legacy, Owner::Everyone) => Some(Hello::newest()),
            (Era::Legacy, _) => {
                let key = (Arc::clone(&backend.name), owner.clone(), pairing);
                let known = |room: &&Arc<Room>| {
                    room.hello.as_ref().is_some_and(|hello| hello.is_of(declared))
                };
                if let Some(room) =
                    self.rooms.lock().get(&key).and_then(|all| all.iter().find(known))
                {
                    return Ok(Arc::clone(room));
                }
                Some(Hello::of_modern(declared, asked.client_info().filter(short)))
            }
        };
        let lease = Lease { owner, user, pairing, hello };
        self.make_room_for_declaration(backend, &lease)?;
        Ok(self.room(backend, lease))
    }

    /// Evicts the least recently used instance if these clients have too many. Clients of a legacy server
    /// have one for each set of capabilities that they declare.
    fn make_room_for_declaration(
        &self,
        backend: &Arc<Backend>,
        lease: &Lease,
    ) -> Result<(), Unavailable> {
        let key = (Arc::clone(&backend.name), lease.owner.clone(), lease.pairing);
        let oldest = {
            let rooms = self.rooms.lock();
            let here = rooms.get(&key).map_or(&[][..], Vec::as_slice);
            if here.len() < DECLARATIONS {
                return Ok(());
            }
            let idle = here.iter().filter(|room| room.live().is_none());
            idle.min_by_key(|room| room.used()).cloned()
        };
        let busy = || Unavailable::Busy { what: "too many different capabilities are in use" };
        self.remove(&oldest.ok_or_else(busy)?);
        Ok(())
    }

    /// Returns the era of `backend`, probed in a process of its own if it is unknown.
    pub async fn era(
        self: &Arc<Self>,
        backend: &Arc<Backend>,
        user: Option<&Arc<str>>,
    ) -> Result<Era, Unavailable> {
        if let Some(era) = backend.verdict.of(&backend.entry()) {
            return Ok(era);
        }
        let (hub, waiting, user) = (Arc::clone(self), Arc::clone(backend), user.cloned());
        let backend = Arc::clone(backend);
        // Spawned, so that the probe survives a client that disconnects.
        let asked = tokio::spawn(async move { hub.ask_era(&backend, user.as_ref()).await });
        started(&waiting, asked).await
    }

    async fn ask_era(
        &self,
        backend: &Arc<Backend>,
        user: Option<&Arc<str>>,
    ) -> Result<Era, Unavailable> {
        let _asking = backend.verdict.asking.lock().await;
        let entry = backend.entry();
        if let Some(era) = backend.verdict.of(&entry) {
            return Ok(era);
        }
        let name = user.map(|user| &**user);
        let mut installing = backend.install(name).await;
        let mut permit = self.permit(backend, user).await?;
        let finding = loop {
            backend.succeed(name).await;
            let turn = backend.turn().await;
            let child = backend.start(permit, name)?;
            // Marks it as leaving, so that no other process of this user is started concurrently.
            child.leave();
            let finding = probe::ask(&child, backend.probe_timeout()).await;
            drop(turn);
            if finding != Finding::Silence {
                installing.done();
                backend.learn(&child);
            }
            let has_failed = finding == Finding::Silence && child.has_ended();
            child.end();
            if !has_failed || !backend.forget_start(&child) {
                break finding;
            }
            child.ended().await;
            permit = child.take_permit().ok_or(Unavailable::Closed)?;
            installing = backend.install(name).await;
        };
        log::info!(server = &*backend.name; "server \"{}\" was asked for its era: {finding:?}", backend.name);
        Ok(backend.verdict.note(entry, finding))
    }
}
