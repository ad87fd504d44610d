//! Log level of a legacy server. The server has one level for all clients, whereas clients of 2026-07-28 name
//! one in each request (MCP "Logging").

use super::Room;
use super::said::post_level;
use crate::child::Child;

impl Room {
    /// Lowers the log level of `child` to `level`, unless it logs at that level already. Messages below the
    /// level of a client are filtered on the way to it.
    pub fn want_level(&self, child: &Child, level: usize) {
        if !self.greeting().is_some_and(|greeting| greeting.offers("/logging")) {
            return;
        }
        {
            let mut told = self.to_legacy.level.lock();
            if told.is_some_and(|(pid, told)| pid == child.pid && told <= level) {
                return;
            }
            *told = Some((child.pid, level));
        }
        post_level(child, level);
    }
}
