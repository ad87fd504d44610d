//! Enforcement of revocations: ends calls in flight, and processes of people without any other grant.

use super::SessionRegistry;

impl SessionRegistry {
    /// Ends the calls and processes whose access was revoked, and the calls whose revocation status is
    /// unknown.
    pub fn end_revoked(&self) {
        let calls: usize = self.pool.all().iter().map(|process| process.end_revoked()).sum();
        if calls > 0 {
            log::info!(
                "{calls} requests in flight were ended: their access was revoked, or may have been"
            );
        }
        self.end_disowned();
    }

    /// Stops the processes of people whose last grant was revoked, and closes their sessions.
    pub(super) fn end_disowned(&self) {
        for instance in self.instances().iter().filter(|instance| instance.grants.are_revoked()) {
            let server = &*instance.server.name;
            log::info!(server; "server \"{server}\": the last access of a user was revoked; ended");
            self.forget(instance);
        }
    }
}
