//! Servers from `mcp-servers.json`: the `mcpServers` object that MCP clients already use, with the
//! gateway's keys beside the command.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use tokio::sync::watch;

use super::stated_server::{Site, StatedServer, server_name};
use crate::{
    config::Config,
    model::{Chain, Listing, Offer, Source},
};

/// How often the file is looked at, which works where change events do not arrive (bind mounts,
/// editors that replace the file).
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The file does not list servers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("MCP_SERVERS_FILE: cannot read {0}")]
    Read(String, #[source] std::io::Error),
    /// It is not the JSON it should be.
    #[error("MCP_SERVERS_FILE: {0}, {1}")]
    Json(String, serde_json::Error),
    /// Entries are wrong.
    #[error("MCP_SERVERS_FILE: {0}: {1}")]
    Entries(String, String),
}

/// Reads and watches the file.
#[derive(Clone)]
pub struct ServersFile {
    path: PathBuf,
    /// Whether servers may come from somewhere else, so that there need not be a file.
    optional: bool,
    site: Site,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "mcpServers")]
    servers: BTreeMap<String, StatedServer>,
}

impl ServersFile {
    /// The file of `config`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (path, optional) = (config.servers_file.clone(), config.docker.is_some());
        Self { path, optional, site: Site::new(config) }
    }

    /// The servers in the file now, all or none.
    pub fn read(&self) -> Result<Listing, Error> {
        let name = self.path.display().to_string();
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if self.optional && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Listing::default());
            }
            Err(error) => return Err(Error::Read(name, error)),
        };
        let file: File =
            serde_json::from_str(&text).map_err(|error| Error::Json(name.clone(), error))?;
        let mut problems = Vec::new();
        let mut offers = Vec::new();
        let mut resources = HashSet::new();
        for (name, entry) in file.servers {
            let server = server_name(&name).and_then(|name| entry.into_server(name, &self.site));
            match server {
                Ok(server) if resources.insert(server.resource.clone()) => {
                    offers.push(Offer { source: Source::File, server });
                }
                Ok(server) => problems.push(format!("{name}: {} is taken", server.resource)),
                Err(problem) => problems.push(format!("{name}: {problem}")),
            }
        }
        if problems.is_empty() {
            Ok(Listing { offers, ..Listing::default() })
        } else {
            Err(Error::Entries(name, problems.join("; ")))
        }
    }

    /// Publishes what the file lists whenever it changes, for as long as somebody listens. A file
    /// that is wrong, or gone, leaves the last good state in place.
    pub async fn watch(self, publish: watch::Sender<Arc<Listing>>) {
        // Gone is for a moment, or by mistake; a file that is meant to be empty says so.
        let file = Self { optional: false, ..self.clone() };
        // The text, not the time of the change: two edits within a tick of the clock are two. None
        // at first, since the file may be another since it was read at the start.
        let mut seen = None;
        while !publish.is_closed() {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = std::fs::read(&self.path).ok();
            if now == seen {
                continue;
            }
            seen = now;
            match file.read() {
                Ok(listing) => {
                    let count = listing.offers.len();
                    let changed = publish.send_if_modified(|current| {
                        let differs = **current != listing;
                        *current = Arc::new(listing);
                        differs
                    });
                    if changed {
                        log::info!("servers changed: {count} in {}", self.path.display());
                    }
                }
                Err(error) => log::error!("servers unchanged: {}", Chain(&error)),
            }
        }
    }
}
