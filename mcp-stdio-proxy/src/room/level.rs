//! From which level on a legacy server logs: it knows one level for all, clients of 2026-07-28 name one
//! in each request (MCP "Logging").

use super::Room;
use super::said::post_level;
use crate::child::Child;

impl Room {
    /// Tells `child` to log from `level` on, unless it logs that already. What nobody has asked for is
    /// left out on the way to the clients.
    pub fn want_level(&self, child: &Child, level: usize) {
        if !self.greeting().is_some_and(|greeting| greeting.offers("/logging")) {
            return;
        }
        {
            let mut told = self.level.lock();
            if told.is_some_and(|(pid, told)| pid == child.pid && told <= level) {
                return;
            }
            *told = Some((child.pid, level));
        }
        post_level(child, level);
    }
}
