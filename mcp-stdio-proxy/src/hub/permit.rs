//! Permits to start a process, and the eviction of idle processes in favour of new ones.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Hub;
use crate::backend::Backend;
use crate::child::quota::{Claim, Full, Permit};
use crate::room::Room;
use crate::unavailable::Unavailable;

/// The maximum time that a request waits for an eviction.
const EVICTION: Duration = Duration::from_secs(10);
/// The minimum idle time before a process may be evicted.
const EVICTABLE: Duration = Duration::from_secs(1);

impl Hub {
    /// Acquires a permit to start a process of `backend` for `user`. Idle processes are evicted if a limit is
    /// reached.
    pub(super) async fn permit(
        &self,
        backend: &Backend,
        user: Option<&Arc<str>>,
    ) -> Result<Permit, Unavailable> {
        if self.is_draining() {
            return Err(busy(Full::Closed));
        }
        let (quota, claim) = (&self.nursery.quota, backend.claim(user));
        let deadline = Instant::now() + EVICTION;
        let mut asked = None;
        loop {
            let freed = quota.freed();
            let full = match quota.take(&claim) {
                Ok(permit) => return Ok(permit),
                Err(full) => full,
            };
            let waited = asked == Some(full);
            if !waited && !self.make_way(&claim, full) && !self.is_one_ending() {
                return Err(busy(full));
            }
            asked = Some(full);
            timeout_at(deadline, freed).await.map_err(|_| busy(full))?;
        }
    }

    /// Returns `true` if a process is shutting down, so that its permit will be released.
    fn is_one_ending(&self) -> bool {
        self.nursery.all().iter().any(|child| child.is_ending())
    }

    /// Evicts something that counts towards the reached limit. Returns `true` if it found a candidate.
    fn make_way(&self, claim: &Claim, full: Full) -> bool {
        match full {
            Full::Closed => false,
            Full::User => self.evict(|one| one.user == claim.user),
            Full::Server => self.evict(|one| one.backend.name == claim.server),
            // A warm process has not been used yet and has no state to lose.
            Full::All => {
                self.backends().iter().any(|backend| backend.end_warm()) || self.evict(|_| true)
            }
        }
    }

    /// Evicts the process that was idle longest. A process whose clients wait for its notifications is chosen
    /// only as a last resort.
    fn evict(&self, candidate: impl Fn(&Room) -> bool) -> bool {
        let idle = |room: &Room| {
            let child = room.live()?;
            (child.calls.is_empty() && child.idle() >= EVICTABLE).then(|| child.idle())
        };
        let rooms = self.rooms();
        let rooms = rooms.iter().filter(|room| candidate(room));
        let longest = rooms
            .filter_map(|room| Some(((!room.is_in_use(), idle(room)?), room)))
            .max_by_key(|(rank, _)| *rank);
        longest.is_some_and(|(_, room)| room.retire().is_some())
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
