//! The first starts of a package, one after the other: two finders that install the same package at once spoil
//! it for each other (npm/cli#7295).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

/// Packages that are remembered; then those that nobody installs are forgotten.
const MOST: usize = 1024;

/// The packages that finders were asked for.
#[derive(Default)]
pub struct Installs(Mutex<HashMap<String, Arc<Package>>>);

/// A package.
#[derive(Default)]
pub struct Package {
    is_installed: AtomicBool,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The turn to install a package, given back when dropped; `None` once it is installed.
pub type Turn = Option<OwnedMutexGuard<()>>;

impl Installs {
    /// Returns the package `name`.
    pub fn package(&self, name: String) -> Arc<Package> {
        let mut all = self.0.lock();
        if all.len() >= MOST {
            all.retain(|_, package| Arc::strong_count(package) > 1);
        }
        Arc::clone(all.entry(name).or_default())
    }
}

impl Package {
    /// Waits for the turn to start it.
    pub async fn turn(&self) -> Turn {
        if self.is_installed.load(Ordering::Relaxed) {
            return None;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // By whoever had the turn before.
        (!self.is_installed.load(Ordering::Relaxed)).then_some(turn)
    }

    /// Takes the turn, unless another start has it.
    pub fn try_turn(&self) -> Result<Turn, tokio::sync::TryLockError> {
        if self.is_installed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        Arc::clone(&self.turn).try_lock_owned().map(Some)
    }

    /// Notes whether it is installed, as far as can be told.
    pub fn set_installed(&self, is_installed: bool) {
        self.is_installed.store(is_installed, Ordering::Relaxed);
    }
}
