//! Tool parameters that the server wants repeated in headers. The proxy requests the list once per process,
//! and again when it may have changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Room;
use super::known_tools::Known;
use crate::child::Child;
use crate::protocol::mirror::{Mirrors, collect};
use crate::protocol::{message, meta};
use crate::translate::task_call::TaskTools;

/// The maximum number of pages of a tool list that are read.
const PAGES: usize = 32;
/// The timeout for one page. A server that does not list its tools in time is taken to have no such
/// parameters.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time for which a list is cached, since a server need not announce changes of its tools.
const FRESH: Duration = Duration::from_mins(5);

impl Room {
    /// Returns the header parameters of the tools of `child`. Bypasses the cache if `again`.
    pub async fn mirrors(&self, child: &Child, again: bool) -> Arc<Mirrors> {
        let holds =
            |known: &&Known| known.pid == child.pid && known.since.elapsed() < FRESH && !again;
        if let Some(known) = self.to_legacy.known.lock().as_ref().filter(holds) {
            return Arc::clone(&known.mirrors);
        }
        let mut mirrors = Mirrors::new();
        let (mut tasks, has_tasks) = (TaskTools::default(), self.runs_tools_as_tasks());
        let mut cursor = None;
        for _ in 0..PAGES {
            let params = self.list_params(cursor.as_deref());
            let Ok(answer) = child.errand("tools/list", &params, PATIENCE).await else { break };
            let envelope =
                std::str::from_utf8(&answer).ok().and_then(|text| message::parse(text).ok());
            let Some(result) = envelope.and_then(|envelope| envelope.result) else { break };
            if has_tasks {
                tasks.add(result);
            }
            cursor = collect(result, &mut mirrors);
            if cursor.is_none() {
                break;
            }
        }
        let (mirrors, since) = (Arc::new(mirrors), Instant::now());
        let known =
            Known { pid: child.pid, since, mirrors: Arc::clone(&mirrors), tasks: Arc::new(tasks) };
        *self.to_legacy.known.lock() = Some(known);
        mirrors
    }

    /// Returns the tools of `child` that must be called as tasks, from the last list that was read.
    pub(super) fn task_tools(&self, child: &Child) -> Option<Arc<TaskTools>> {
        let known = self.to_legacy.known.lock();
        known.as_ref().filter(|known| known.pid == child.pid).map(|known| Arc::clone(&known.tasks))
    }

    /// Invalidates the cache, because the tools have changed.
    pub(super) fn forget_mirrors(&self) {
        *self.to_legacy.known.lock() = None;
    }

    /// Returns the parameters of a `tools/list` request of the proxy itself.
    pub fn list_params(&self, cursor: Option<&str>) -> String {
        let cursor = cursor.map(|cursor| format!("\"cursor\":{}", serde_json::Value::from(cursor)));
        let meta = self.is_modern().then(|| format!("\"_meta\":{{{}}}", meta::of_proxy()));
        let all: Vec<_> = cursor.into_iter().chain(meta).collect();
        format!("{{{}}}", all.join(","))
    }
}
