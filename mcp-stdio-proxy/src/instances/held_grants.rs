//! The grants behind the process of a person. The process ends with the last of them.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::access::grants::Grant;

/// The maximum number of grants that are kept per instance; beyond it, the oldest is evicted.
const MOST: usize = 64;

/// The grants that authorized requests of an instance, the oldest first.
#[derive(Default)]
pub struct HeldGrants(Mutex<Vec<Arc<Grant>>>);

impl HeldGrants {
    /// Records that a request was authorized by `grant`.
    pub fn note(&self, grant: &Arc<Grant>) {
        let mut grants = self.0.lock();
        if grants.iter().any(|one| Arc::ptr_eq(one, grant)) {
            return;
        }
        if grants.len() >= MOST {
            grants.remove(0);
        }
        grants.push(Arc::clone(grant));
    }

    /// Returns `true` if a grant was revoked and no live grant is left.
    pub fn are_revoked(&self) -> bool {
        let grants = self.0.lock();
        grants.iter().any(|grant| grant.has_ended()) && !grants.iter().any(|grant| grant.is_live())
    }
}
