//! The grants that keep the process of a person: with the last of them it ends.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Owner, Room};
use crate::grants::Grant;

/// The most that are remembered, per room; then the oldest go.
const MOST: usize = 64;

/// The grants that the requests of a room rest on, the oldest first.
#[derive(Default)]
pub(super) struct Grants(Mutex<Vec<Arc<Grant>>>);

impl Room {
    /// Notes that a request rests on `grant`.
    pub fn note(&self, grant: &Arc<Grant>) {
        // A process for everyone does not end with one of them.
        if self.owner == Owner::Everyone {
            return;
        }
        let mut grants = self.grants.0.lock();
        if grants.iter().any(|one| Arc::ptr_eq(one, grant)) {
            return;
        }
        if grants.len() >= MOST {
            grants.remove(0);
        }
        grants.push(Arc::clone(grant));
    }

    /// Returns `true` if a grant was revoked, and none is left on which a request could rest.
    pub fn is_disowned(&self) -> bool {
        let grants = self.grants.0.lock();
        grants.iter().any(|grant| grant.has_ended()) && !grants.iter().any(|grant| grant.is_live())
    }
}
