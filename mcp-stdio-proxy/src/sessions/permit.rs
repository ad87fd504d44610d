//! Permits to start a process, and the eviction of idle processes in favour of new ones.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::SessionRegistry;
use crate::instances::instance::ServerInstance;
use crate::instances::server::Server;
use crate::instances::unavailable::Unavailable;
use crate::process::quota::{Claim, Full, Permit};

/// The maximum time that a request waits for an eviction.
const EVICTION: Duration = Duration::from_secs(10);
/// The minimum idle time before a process may be evicted.
const EVICTABLE: Duration = Duration::from_secs(1);

impl SessionRegistry {
    /// Acquires a permit to start a process of `server` for `user`. Idle processes are evicted if a limit is
    /// reached.
    pub(super) async fn permit(
        &self,
        server: &Server,
        user: Option<&Arc<str>>,
    ) -> Result<Permit, Unavailable> {
        if self.is_draining() {
            return Err(busy(Full::Closed));
        }
        let (quota, claim) = (&self.pool.quota, server.claim(user));
        let deadline = Instant::now() + EVICTION;
        let mut asked = None;
        loop {
            let freed = quota.freed();
            let full = match quota.take(&claim) {
                Ok(permit) => return Ok(permit),
                Err(full) => full,
            };
            let waited = asked == Some(full);
            if !waited && !self.evict_for(&claim, full) && !self.pool.is_one_ending() {
                return Err(busy(full));
            }
            asked = Some(full);
            timeout_at(deadline, freed).await.map_err(|_| busy(full))?;
        }
    }

    /// Evicts something that counts towards the reached limit. Returns `true` if it found a candidate.
    fn evict_for(&self, claim: &Claim, full: Full) -> bool {
        match full {
            Full::Closed => false,
            Full::User => self.evict(|one| one.key.user == claim.user),
            Full::Server => self.evict(|one| one.server.name == claim.server),
            // A warm process has not been used yet and has no state to lose.
            Full::All => {
                self.servers().iter().any(|server| server.starter.end_warm())
                    || self.evict(|_| true)
            }
        }
    }

    /// Evicts the process that was idle longest. A process whose clients wait for its notifications is chosen
    /// only as a last resort.
    fn evict(&self, candidate: impl Fn(&ServerInstance) -> bool) -> bool {
        let idle = |instance: &ServerInstance| {
            let process = instance.process()?;
            (process.calls.is_empty() && process.idle() >= EVICTABLE).then(|| process.idle())
        };
        let instances = self.instances();
        let instances = instances.iter().filter(|instance| candidate(instance));
        let longest = instances
            .filter_map(|instance| Some(((!instance.is_in_use(), idle(instance)?), instance)))
            .max_by_key(|(rank, _)| *rank);
        longest.is_some_and(|(_, instance)| instance.retire().is_some())
    }
}

fn busy(full: Full) -> Unavailable {
    let what = match full {
        Full::All => "too many servers are running",
        Full::Server => "this server has too many processes",
        Full::User => "this user has too many servers running",
        Full::Closed => "the proxy is shutting down",
    };
    Unavailable::Busy { what }
}
