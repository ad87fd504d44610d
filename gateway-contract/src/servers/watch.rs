//! Change detection for `mcp-servers.json`. Polling works even where change events do not arrive: bind mounts,
//! network file systems, editors that replace the file.

use std::path::PathBuf;
use std::time::Duration;

/// The polling interval.
pub const INTERVAL: Duration = Duration::from_millis(500);

/// The content of the file at the last poll. Contents are compared instead of modification times, because two edits
/// may have the same time.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    seen: Option<Vec<u8>>,
}

impl Watch {
    /// Creates the watch of the file at `path`, whose first poll is a change: the file may differ from what was read
    /// at the start.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// Returns `true` if the content differs from that of the last poll. A file that is missing from the start is
    /// not a change.
    pub async fn poll(&mut self) -> bool {
        let now = tokio::fs::read(&self.path).await.ok();
        let changed = now != self.seen;
        self.seen = now;
        changed
    }

    /// Returns after the next poll that finds a change.
    pub async fn changed(&mut self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if self.poll().await {
                return;
            }
        }
    }
}
