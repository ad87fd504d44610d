//! The last check of a server at the level of MCP.

use std::sync::Arc;
use std::time::Instant;

use gateway_contract::reports::{CheckOutcome, CheckReport, ToolReport};
use parking_lot::Mutex;

/// What a check found of a server that answered.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// The name that the server gives itself.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The revision that it speaks.
    pub protocol: Option<String>,
    /// Its tools, as far as they are kept.
    pub tools: Vec<ToolReport>,
    /// `true` if it has more tools than are kept.
    pub truncated: bool,
    /// `true` if it says that it has tools.
    pub has_tools: bool,
}

/// A check that has ended.
#[derive(Clone, Debug)]
pub struct Checked {
    /// When it ended.
    pub ended: Instant,
    /// Its outcome.
    pub report: CheckReport,
}

/// What checks found of one server.
#[derive(Default)]
pub struct Checks {
    /// Held during a check: there is never more than one at a time.
    pub turn: tokio::sync::Mutex<()>,
    last: Mutex<Option<Checked>>,
    /// What the last check that succeeded found, and when.
    found: Mutex<Option<(u64, Arc<Examined>)>>,
    /// Whether the server has failed a check since it last answered.
    is_down: Mutex<bool>,
}

impl Checks {
    /// Notes the end of a check, and what it found.
    pub fn note(&self, report: CheckReport, found: Option<Examined>) -> Checked {
        *self.is_down.lock() = report.outcome == CheckOutcome::Failed;
        if let Some(found) = found {
            *self.found.lock() = Some((report.at, Arc::new(found)));
        }
        let checked = Checked { ended: Instant::now(), report };
        *self.last.lock() = Some(checked.clone());
        checked
    }

    /// Notes that the server has answered a client.
    pub(super) fn answered(&self) {
        *self.is_down.lock() = false;
    }

    /// Forgets everything: the server is another one now.
    pub(super) fn forget(&self) {
        *self.last.lock() = None;
        *self.found.lock() = None;
        self.answered();
    }

    /// The last check.
    pub fn last(&self) -> Option<Checked> {
        self.last.lock().clone()
    }

    /// What the last check that succeeded found, and when in seconds since 1970.
    pub fn found(&self) -> Option<(u64, Arc<Examined>)> {
        self.found.lock().clone()
    }

    /// Returns `true` if the server has failed a check, and has not answered anything since.
    pub fn is_down(&self) -> bool {
        *self.is_down.lock()
    }
}
