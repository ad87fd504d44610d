//! Live reload of `mcp-servers.json`. An invalid edit is logged and otherwise ignored.

use std::path::{Path, PathBuf};

use gateway_contract::chain::Chain;
use gateway_contract::servers::watch::{self, INTERVAL};
use tokio::sync::Mutex;

use super::{Catalogue, LoadError};

/// The function that reads the file.
type Load = dyn Fn(&Path) -> Result<Catalogue, LoadError> + Send + Sync;

/// A watcher that applies each new valid state of a file.
pub struct Watch {
    path: PathBuf,
    load: Box<Load>,
    apply: Box<dyn Fn(&Catalogue) + Send + Sync>,
    // Locked while a state is applied, so that an older one never replaces a newer one.
    last: Mutex<Last>,
}

struct Last {
    changes: watch::Watch,
    good: Catalogue,
}

impl Watch {
    /// Creates a watcher of the file at `path`, which `load` reads and whose last valid state is `good`.
    /// `apply` is called with each new one.
    pub fn new(
        path: PathBuf,
        load: impl Fn(&Path) -> Result<Catalogue, LoadError> + Send + Sync + 'static,
        good: Catalogue,
        apply: impl Fn(&Catalogue) + Send + Sync + 'static,
    ) -> Self {
        let last = Mutex::new(Last { changes: watch::Watch::new(path.clone()), good });
        Self { path, load: Box::new(load), apply: Box::new(apply), last }
    }

    /// Polls the file, forever.
    pub async fn follow(&self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Applies the current contents of the file, if they have changed.
    pub async fn look(&self) {
        let mut last = self.last.lock().await;
        if !last.changes.poll().await {
            return;
        }
        match (self.load)(&self.path) {
            Ok(catalogue) if catalogue != last.good => {
                let count = catalogue.servers.len();
                log::info!("{} changed: {count} servers", self.path.display());
                (self.apply)(&catalogue);
                last.good = catalogue;
            }
            Ok(_) => {}
            Err(error) => log::error!("{}; the servers stay as they were", Chain(&error)),
        }
    }
}
