//! Takes over edits of `mcp-servers.json` while running; a bad edit changes nothing and is logged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_contract::chain::Chain;
use tokio::sync::Mutex;

use super::{Catalogue, LoadError};

/// How often the file is looked at. Polling works on every file system, network mounts included.
const EVERY: Duration = Duration::from_secs(1);

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
    /// The text, not the time of the change: an editor may write twice within a tick of the clock.
    text: Seen,
    good: Catalogue,
}

/// What was seen of the file.
#[derive(PartialEq)]
enum Seen {
    Nothing,
    Missing,
    Text(Vec<u8>),
}

impl Watch {
    /// Of the file at `path`, which `load` reads, and whose last good state was `good`.
    pub fn new(
        path: PathBuf,
        load: impl Fn(&Path) -> Result<Catalogue, LoadError> + Send + Sync + 'static,
        good: Catalogue,
        apply: impl Fn(&Catalogue) + Send + Sync + 'static,
    ) -> Self {
        // Without a text the first look reads the file, which may be another since `good`.
        let last = Mutex::new(Last { text: Seen::Nothing, good });
        Self { path, load: Box::new(load), apply: Box::new(apply), last }
    }

    /// Looks for ever.
    pub async fn follow(&self) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Takes over what the file says now.
    pub async fn look(&self) {
        let mut last = self.last.lock().await;
        let text = tokio::fs::read(&self.path).await.map_or(Seen::Missing, Seen::Text);
        if last.text == text {
            return;
        }
        last.text = text;
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
