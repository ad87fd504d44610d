//! The end of what rests on a revoked grant: calls in flight, and processes of a person who has no other.

use super::Hub;

impl Hub {
    /// Ends the calls and processes whose access was revoked, and the calls of which nobody can tell.
    pub fn end_revoked(&self) {
        let calls: usize = self.nursery.all().iter().map(|child| child.end_revoked()).sum();
        if calls > 0 {
            log::info!(
                "{calls} requests in flight were ended: their access was revoked, or may have been"
            );
        }
        self.end_disowned();
    }

    /// Ends the processes of people whose last grant was revoked, with their sessions.
    pub(super) fn end_disowned(&self) {
        for room in self.rooms().iter().filter(|room| room.is_disowned()) {
            let server = &*room.backend.name;
            log::info!(server; "server \"{server}\": the last access of a user was revoked; ended");
            self.forget(room);
        }
    }
}
