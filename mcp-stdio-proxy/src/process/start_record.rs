//! The circumstances of a start: the user that a process was started for, and the program that started it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::quota::Permit;
use super::shortcut::{Following, Shortcut};

/// The record of the start of a process.
pub struct StartRecord {
    permit: Mutex<Option<Permit>>,
    /// The search for the program that a package runner executes.
    pub(super) following: Option<Following>,
    /// `true` if it was started from memory, without its package runner.
    is_remembered: bool,
    /// `true` once it has answered its first request.
    settled: AtomicBool,
}

impl StartRecord {
    pub(super) fn new(permit: Permit, following: Option<Following>, is_remembered: bool) -> Self {
        Self { permit: Some(permit).into(), following, is_remembered, settled: false.into() }
    }

    /// Replaces the permit: the process was warm, and now has a user.
    pub fn count_under(&self, permit: Permit) {
        *self.permit.lock() = Some(permit);
    }

    /// Takes the permit, for another process instead of this one.
    pub fn take_permit(&self) -> Option<Permit> {
        self.permit.lock().take()
    }

    /// Returns the user that the process was started for.
    #[must_use]
    pub fn user(&self) -> Option<Arc<str>> {
        self.permit.lock().as_ref().and_then(|permit| permit.user().cloned())
    }

    /// Returns `true` if the process was started from memory.
    #[must_use]
    pub fn is_remembered(&self) -> bool {
        self.is_remembered
    }

    /// Records the first answer. Returns the command that starts the server without its package runner, if it could be
    /// seen.
    pub fn settle(&self) -> Option<Shortcut> {
        self.settled.store(true, Ordering::Relaxed);
        self.following.as_ref()?.shortcut()
    }

    /// Returns `true` once the process has answered its first request.
    pub(super) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }

    /// Returns `true` unless a package runner has yet to execute the server, as far as that can be seen.
    pub(super) fn is_executed(&self) -> bool {
        self.following.as_ref().is_none_or(Following::has_seen)
    }
}
