//! Starts that may install the package of a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::process::shortcut::{Package, Turn};

/// A start that may install the package of the server. Other starts of the same package wait for it.
pub struct Installing {
    pub(super) package: Option<Arc<Package>>,
    pub(super) turn: Turn,
}

impl Installing {
    /// Records that the server has answered, so its package is installed.
    pub fn done(self) {
        if let Some(package) = &self.package {
            package.set_installed(true);
        }
        drop(self.turn);
    }
}

/// The registration of a start that waits for an installation.
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    pub(super) fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
