//! Serialization of the first starts of a package: two package runners that install the same package
//! concurrently corrupt each other's installation (npm/cli#7295).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

/// The maximum number of remembered packages; beyond it, those without a pending start are evicted.
const MOST: usize = 1024;

/// The packages requested from package runners.
#[derive(Default)]
pub struct Installs(Mutex<HashMap<String, Arc<Package>>>);

/// The installation state of a package.
#[derive(Default)]
pub struct Package {
    is_installed: AtomicBool,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The right to install a package, released when dropped; `None` once the package is installed.
pub type Turn = Option<OwnedMutexGuard<()>>;

impl Installs {
    /// Returns the state of the package `name`.
    pub fn package(&self, name: String) -> Arc<Package> {
        let mut all = self.0.lock();
        if all.len() >= MOST {
            all.retain(|_, package| Arc::strong_count(package) > 1);
        }
        Arc::clone(all.entry(name).or_default())
    }
}

impl Package {
    /// Waits for the right to install the package.
    pub async fn turn(&self) -> Turn {
        if self.is_installed.load(Ordering::Relaxed) {
            return None;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Installed by the previous holder.
        (!self.is_installed.load(Ordering::Relaxed)).then_some(turn)
    }

    /// Acquires the right to install the package, unless another start holds it.
    pub fn try_turn(&self) -> Result<Turn, tokio::sync::TryLockError> {
        if self.is_installed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        Arc::clone(&self.turn).try_lock_owned().map(Some)
    }

    /// Records whether the package is installed, as far as this is known.
    pub fn set_installed(&self, is_installed: bool) {
        self.is_installed.store(is_installed, Ordering::Relaxed);
    }
}
