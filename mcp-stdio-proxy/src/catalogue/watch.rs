//! Takes over edits of `mcp-servers.json` while running; a bad edit changes nothing and is logged.

use std::path::{Path, PathBuf};

use gateway_contract::chain::Chain;
use gateway_contract::servers::watch::{self, INTERVAL};
use tokio::sync::Mutex;

use super::{Catalogue, LoadError};

/// Reads the file.
type Load = dyn Fn(&Path) -> Result<Catalogue, LoadError> + Send + Sync;

/// Looks at a file, and hands on each new good state of it.
pub struct Watch {
    path: PathBuf,
    load: Box<Load>,
    apply: Box<dyn Fn(&Catalogue) + Send + Sync>,
    // Held while a state is handed on, so that an older one never comes after a newer one.
    last: Mutex<Last>,
}

struct Last {
    changes: watch::Watch,
    good: Catalogue,
}

impl Watch {
    /// Of the file at `path`, which `load` reads, and whose last good state was `good`.
    pub fn new(
        path: PathBuf,
        load: impl Fn(&Path) -> Result<Catalogue, LoadError> + Send + Sync + 'static,
        good: Catalogue,
        apply: impl Fn(&Catalogue) + Send + Sync + 'static,
    ) -> Self {
        let last = Mutex::new(Last { changes: watch::Watch::new(path.clone()), good });
        Self { path, load: Box::new(load), apply: Box::new(apply), last }
    }

    /// Looks for ever.
    pub async fn follow(&self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Takes over what the file says now.
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
