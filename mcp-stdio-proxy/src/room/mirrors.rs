//! Which parameters of its tools a server wants repeated in headers: asked once of each process, and
//! again when that may have changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Room;
use crate::child::Child;
use crate::protocol::mirror::{Mirrors, collect};
use crate::protocol::{message, meta};

/// The most pages of a list of tools that are read.
const PAGES: usize = 32;
/// How long a page may take. A server that does not list its tools in time has no such parameters.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer holds: a server need not say that its tools have changed.
const FRESH: Duration = Duration::from_mins(5);

/// What one process has said.
pub(super) struct Known {
    pid: u32,
    since: Instant,
    mirrors: Arc<Mirrors>,
}

impl Room {
    /// Those of the tools of `child`; asked anew if `again`.
    pub async fn mirrors(&self, child: &Child, again: bool) -> Arc<Mirrors> {
        let holds =
            |known: &&Known| known.pid == child.pid && known.since.elapsed() < FRESH && !again;
        if let Some(known) = self.known.lock().as_ref().filter(holds) {
            return Arc::clone(&known.mirrors);
        }
        let mut mirrors = Mirrors::new();
        let mut cursor = None;
        for _ in 0..PAGES {
            let params = self.list_params(cursor.as_deref());
            let Ok(answer) = child.errand("tools/list", &params, PATIENCE).await else { break };
            let envelope =
                std::str::from_utf8(&answer).ok().and_then(|text| message::parse(text).ok());
            let Some(result) = envelope.and_then(|envelope| envelope.result) else { break };
            cursor = collect(result, &mut mirrors);
            if cursor.is_none() {
                break;
            }
        }
        let (mirrors, since) = (Arc::new(mirrors), Instant::now());
        *self.known.lock() = Some(Known { pid: child.pid, since, mirrors: Arc::clone(&mirrors) });
        mirrors
    }

    /// Forgets them: the tools have changed.
    pub(super) fn forget_mirrors(&self) {
        *self.known.lock() = None;
    }

    /// Returns the parameters of a `tools/list` of the proxy itself.
    pub fn list_params(&self, cursor: Option<&str>) -> String {
        let cursor = cursor.map(|cursor| format!("\"cursor\":{}", serde_json::Value::from(cursor)));
        let meta = self.is_modern().then(|| format!("\"_meta\":{{{}}}", meta::of_proxy()));
        let all: Vec<_> = cursor.into_iter().chain(meta).collect();
        format!("{{{}}}", all.join(","))
    }
}
