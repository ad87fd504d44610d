//! Tool parameters that the server wants repeated in headers. The proxy requests the list once per process,
//! and again when it may have changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ServerInstance;
use super::known_tools::Known;
use crate::messages::param_headers::{ParamHeaders, collect};
use crate::messages::translate::task_call::TaskTools;
use crate::messages::{message, meta};
use crate::process::Process;

/// The maximum number of pages of a tool list that are read.
const PAGES: usize = 32;
/// The timeout for one page. A server that does not list its tools in time is taken to have no such
/// parameters.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time for which a list is cached, since a server need not announce changes of its tools.
const FRESH: Duration = Duration::from_mins(5);

impl ServerInstance {
    /// Returns the header parameters of the tools of `process`. Bypasses the cache if `again`.
    pub async fn param_headers(&self, process: &Process, again: bool) -> Arc<ParamHeaders> {
        let holds =
            |known: &&Known| known.pid == process.pid && known.since.elapsed() < FRESH && !again;
        if let Some(known) = self.to_legacy.known.lock().as_ref().filter(holds) {
            return Arc::clone(&known.param_headers);
        }
        let mut param_headers = ParamHeaders::new();
        let (mut tasks, has_tasks) = (TaskTools::default(), self.runs_tools_as_tasks());
        let mut cursor = None;
        for _ in 0..PAGES {
            let params = self.list_params(cursor.as_deref());
            let Ok(answer) = process.request("tools/list", &params, PATIENCE).await else { break };
            let Some(result) =
                message::parse(answer.text()).ok().and_then(|envelope| envelope.result)
            else {
                break;
            };
            if has_tasks {
                tasks.add(result);
            }
            cursor = collect(result, &mut param_headers);
            if cursor.is_none() {
                break;
            }
        }
        let (param_headers, since) = (Arc::new(param_headers), Instant::now());
        let known = Known {
            pid: process.pid,
            since,
            param_headers: Arc::clone(&param_headers),
            tasks: Arc::new(tasks),
        };
        *self.to_legacy.known.lock() = Some(known);
        param_headers
    }

    /// Returns the tools of `process` that must be called as tasks, from the last list that was read.
    pub(super) fn task_tools(&self, process: &Process) -> Option<Arc<TaskTools>> {
        let known = self.to_legacy.known.lock();
        known
            .as_ref()
            .filter(|known| known.pid == process.pid)
            .map(|known| Arc::clone(&known.tasks))
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
