//! Results of MCP-level health checks of a server.

use std::sync::Arc;
use std::time::Instant;

use gateway_contract::reports::{CheckOutcome, CheckReport, ToolReport};
use parking_lot::Mutex;

/// The properties of a server that a check has discovered.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// The name that the server reports.
    pub name: Option<String>,
    /// The version that the server reports.
    pub version: Option<String>,
    /// The protocol revision that the server speaks.
    pub protocol: Option<String>,
    /// The tools of the server, up to a limit.
    pub tools: Vec<ToolReport>,
    /// `true` if the server has more tools than are kept.
    pub truncated: bool,
    /// `true` if the server declares tools.
    pub has_tools: bool,
}

/// A completed check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The time at which the check completed.
    pub ended: Instant,
    /// The outcome of the check.
    pub report: CheckReport,
}

/// The check results of one server.
#[derive(Default)]
pub struct Checks {
    /// Locked during a check, so that only one runs at a time.
    pub turn: tokio::sync::Mutex<()>,
    last: Mutex<Option<Checked>>,
    /// The result of the last successful check, with its time.
    found: Mutex<Option<(u64, Arc<Examined>)>>,
    /// `true` if the server has failed a check and has not answered since.
    is_down: Mutex<bool>,
}

impl Checks {
    /// Records the outcome of a check, and the properties that it discovered.
    pub fn note(&self, report: CheckReport, found: Option<Examined>) -> Checked {
        *self.is_down.lock() = report.outcome == CheckOutcome::Failed;
        if let Some(found) = found {
            *self.found.lock() = Some((report.at, Arc::new(found)));
        }
        let checked = Checked { ended: Instant::now(), report };
        *self.last.lock() = Some(checked.clone());
        checked
    }

    /// Records that the server has answered a client.
    pub(super) fn answered(&self) {
        *self.is_down.lock() = false;
    }

    /// Clears all results, because the entry was replaced.
    pub(super) fn forget(&self) {
        *self.last.lock() = None;
        *self.found.lock() = None;
        self.answered();
    }

    /// Returns the last check.
    pub fn last(&self) -> Option<Checked> {
        self.last.lock().clone()
    }

    /// Returns the result of the last successful check, with its time in seconds since 1970.
    pub fn found(&self) -> Option<(u64, Arc<Examined>)> {
        self.found.lock().clone()
    }

    /// Returns `true` if the server has failed a check and has not answered since.
    pub fn is_down(&self) -> bool {
        *self.is_down.lock()
    }
}
