//! Takes over edits of `mcp-servers.json` while running; a bad edit changes nothing and is logged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Catalogue, load};

/// How often the file is looked at. Polling works on every file system, network mounts included.
const EVERY: Duration = Duration::from_secs(1);

/// Calls `apply` with each new good state of the file at `path`, whose last state was `last`.
pub async fn watch(path: PathBuf, mut last: Catalogue, apply: impl Fn(&Catalogue)) {
    let mut seen = text_of(&path).await;
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        let text = text_of(&path).await;
        if text == seen {
            continue;
        }
        seen = text;
        match load(&path) {
            Ok(catalogue) if catalogue != last => {
                log::info!("{} changed: {} servers", path.display(), catalogue.servers.len());
                apply(&catalogue);
                last = catalogue;
            }
            Ok(_) => {}
            Err(error) => log::error!("{error}; the servers stay as they were"),
        }
    }
}

/// The text, not the time of the change: an editor may write twice within a tick of the clock.
async fn text_of(path: &Path) -> Option<Vec<u8>> {
    tokio::fs::read(path).await.ok()
}
