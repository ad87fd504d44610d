//! Enforcement of revocations: ends calls in flight, and processes of people without any other grant.

use super::Hub;

impl Hub {
    /// Ends the calls and processes whose access was revoked, and the calls whose revocation status is
    /// unknown.
    pub fn end_revoked(&self) {
        let calls: usize = self.nursery.all().iter().map(|child| child.end_revoked()).sum();
        if calls > 0 {
            log::info!(
                "{calls} requests in flight were ended: their access was revoked, or may have been"
            );
        }
        self.end_disowned();
    }

    /// Stops the processes of people whose last grant was revoked, and closes their sessions.
    pub(super) fn end_disowned(&self) {
        for room in self.rooms().iter().filter(|room| room.is_disowned()) {
            let server = &*room.backend.name;
            log::info!(server; "server \"{server}\": the last access of a user was revoked; ended");
            self.forget(room);
        }
    }
}
