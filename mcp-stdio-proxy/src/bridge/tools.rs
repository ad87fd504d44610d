//! The tools of one process, as far as the proxy needs them for clients of 2026-07-28: parameters that are repeated
//! in headers, and tools that run as tasks. The list is requested once per process, and again when it may have
//! changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::instances::connection::Connection;
use crate::messages::message;
use crate::messages::param_headers::{ParamHeaders, collect};
use crate::messages::translate::task_call::TaskTools;

/// The maximum number of pages of a tool list that are read.
const PAGES: usize = 32;
/// The timeout for one page. A server that does not list its tools in time is taken to have no such
/// parameters.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time for which a list is cached, since a server need not announce changes of its tools.
const FRESH: Duration = Duration::from_mins(5);

/// The cache of the tools of one process.
#[derive(Default)]
pub(super) struct Tools(Mutex<Option<List>>);

struct List {
    since: Instant,
    headers: Arc<ParamHeaders>,
    /// The tools that must be called as tasks.
    tasks: Arc<TaskTools>,
}

impl Tools {
    /// Returns the parameters of tools that are repeated in headers. Bypasses the cache if `again`.
    pub(super) async fn param_headers(
        &self,
        connection: &Connection,
        again: bool,
    ) -> Arc<ParamHeaders> {
        let is_fresh = |list: &&List| list.since.elapsed() < FRESH && !again;
        if let Some(list) = self.0.lock().as_ref().filter(is_fresh) {
            return Arc::clone(&list.headers);
        }
        let (mut headers, mut tasks) = (ParamHeaders::new(), TaskTools::default());
        let mut cursor = None;
        for _ in 0..PAGES {
            let params = connection.list_params(cursor.as_deref());
            let answer = connection.process.request("tools/list", &params, PAGE_TIMEOUT).await;
            let Ok(answer) = answer else { break };
            let envelope = message::parse(answer.text()).ok();
            let Some(result) = envelope.and_then(|envelope| envelope.result) else { break };
            tasks.add(result);
            cursor = collect(result, &mut headers);
            if cursor.is_none() {
                break;
            }
        }
        let (headers, tasks) = (Arc::new(headers), Arc::new(tasks));
        let list = List { since: Instant::now(), headers: Arc::clone(&headers), tasks };
        *self.0.lock() = Some(list);
        headers
    }

    /// Returns the tools that must be called as tasks, from the last list that was read.
    pub(super) fn task_tools(&self) -> Option<Arc<TaskTools>> {
        self.0.lock().as_ref().map(|list| Arc::clone(&list.tasks))
    }

    /// Invalidates the cache, because the tools have changed.
    pub(super) fn invalidate(&self) {
        *self.0.lock() = None;
    }
}
