//! Log level of a legacy server. The server has one level for all clients, whereas clients of 2026-07-28 name
//! one in each request (MCP "Logging").

use super::bridge::ModernToLegacy;
use crate::bridge::requests::post_level;

impl ModernToLegacy {
    /// Lowers the log level of the process to `level`, unless it logs at that level already. Messages below the
    /// level of a client are filtered on the way to it.
    pub(super) fn lower_level(&self, level: usize) {
        if !self.connection.info.offers("/logging") {
            return;
        }
        {
            let mut told = self.level.lock();
            if told.is_some_and(|told| told <= level) {
                return;
            }
            *told = Some(level);
        }
        post_level(&self.connection.process, level);
    }
}
