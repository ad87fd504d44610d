//! From which level on a legacy server logs: it knows one level for all, clients of 2026-07-28 name one
//! in each request (MCP "Logging").

use super::Room;
use crate::child::Child;
use crate::protocol::splice;
use crate::sync::lock;
use crate::translate::log::LEVELS;

impl Room {
    /// Tells `child` to log from `level` on, unless it logs that already. What nobody has asked for is
    /// left out on the way to the clients.
    pub fn want_level(&self, child: &Child, level: usize) {
        let Some(name) = LEVELS.get(level) else { return };
        if !self.greeting().is_some_and(|greeting| greeting.offers("/logging")) {
            return;
        }
        {
            let mut told = lock(&self.level);
            if told.is_some_and(|(pid, told)| pid == child.pid && told <= level) {
                return;
            }
            *told = Some((child.pid, level));
        }
        let id = child.calls.next_id();
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"logging/setLevel","params":{{"level":"{name}"}}}}"#
        );
        child.post(splice::line(&text, &mut []));
    }
}
