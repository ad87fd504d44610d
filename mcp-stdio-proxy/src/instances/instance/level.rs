//! Log level of a legacy server. The server has one level for all clients, whereas clients of 2026-07-28 name
//! one in each request (MCP "Logging").

use super::ServerInstance;
use super::said::post_level;
use crate::process::Process;

impl ServerInstance {
    /// Lowers the log level of `process` to `level`, unless it logs at that level already. Messages below the
    /// level of a client are filtered on the way to it.
    pub fn want_level(&self, process: &Process, level: usize) {
        if !self.greeting().is_some_and(|greeting| greeting.offers("/logging")) {
            return;
        }
        {
            let mut told = self.to_legacy.level.lock();
            if told.is_some_and(|(pid, told)| pid == process.pid && told <= level) {
                return;
            }
            *told = Some((process.pid, level));
        }
        post_level(process, level);
    }
}
