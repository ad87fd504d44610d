//! Explanations of what a process does wrong, for operators and clients.

use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use parking_lot::Mutex;

use super::stderr::Tail;
use crate::messages::defect::Defect;

/// The evidence of a process's faults.
pub struct Diagnostics {
    /// The last lines of its standard error.
    pub(super) stderr: Arc<Tail>,
    /// `true` if clients may read those lines.
    explain: bool,
    /// The kinds of defects already reported to the operator.
    reported: Mutex<Vec<Discriminant<Defect>>>,
}

impl Diagnostics {
    pub(super) fn new(explain: bool) -> Self {
        Self { stderr: Arc::default(), explain, reported: Mutex::default() }
    }

    /// Describes the end of the process with this `status` for clients.
    pub(super) fn exit_message(&self, status: &str) -> String {
        if self.explain { self.exit_report(status) } else { status.to_owned() }
    }

    /// Describes the end of the process with this `status` for operators, with the last lines of its standard error.
    pub(super) fn exit_report(&self, status: &str) -> String {
        let tail = self.stderr.text();
        if tail.is_empty() {
            return status.to_owned();
        }
        format!("{status}; on stderr: {tail}")
    }

    /// Returns `true` for the first defect of its kind.
    pub(super) fn is_new(&self, defect: &Defect) -> bool {
        let (mut reported, kind) = (self.reported.lock(), discriminant(defect));
        let is_new = !reported.contains(&kind);
        if is_new {
            reported.push(kind);
        }
        is_new
    }
}
