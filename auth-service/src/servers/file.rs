//! The file provider of the catalogue: servers from `mcp-servers.json`. It contains the
//! `mcpServers` object that MCP clients already use, with additional keys of the gateway.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use gateway_contract::servers::{self, Problem, Stated, watch::Watch};
use tokio::sync::watch;

use super::stated_server::{Site, StatedServer, server_name};
use crate::{
    config::Config,
    model::{Chain, Listing, Mistake, Offer, Source},
};

/// The error of reading the servers file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("MCP_SERVERS_FILE: cannot read {0}")]
    Read(String, #[source] std::io::Error),
    /// The file is not valid JSON of the expected structure, or some entries are invalid.
    #[error("MCP_SERVERS_FILE: {0}")]
    Problems(String),
}

/// A provider that reads servers from the file, and watches it for changes.
#[derive(Clone)]
pub struct ServersFile {
    path: PathBuf,
    /// `true` if a missing file is not an error, because Docker is a provider as well.
    optional: bool,
    site: Site,
}

fn entries(problems: impl Iterator<Item = String>) -> Error {
    Error::Problems(problems.collect::<Vec<_>>().join("; "))
}

impl ServersFile {
    /// Creates the provider for the file of `config`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (path, optional) = (config.servers_file.clone(), config.docker.is_some());
        Self { path, optional, site: Site::new(config) }
    }

    /// Reads all servers in the file. Fails if any entry is invalid.
    pub fn read(&self) -> Result<Listing, Error> {
        let name = self.path.display().to_string();
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if self.optional && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Listing::default());
            }
            Err(error) => return Err(Error::Read(name, error)),
        };
        let at = |problem: &Problem| format!("{name}:{problem}");
        let read = servers::read(&text).map_err(|problems| entries(problems.iter().map(at)))?;
        let mut problems = Vec::new();
        let mut offers = Vec::new();
        let mut resources = HashSet::new();
        let mut unknown = Vec::new();
        for Stated { name, entry, place, unknown: keys } in read.stated {
            unknown.extend(keys.iter().map(|key| {
                let problem = format!("{name}: unknown key \"{key}\"");
                Mistake { source: Source::File, problem }
            }));
            let server = serde_json::from_value::<StatedServer>(entry.into())
                .map_err(|error| error.to_string())
                .and_then(|entry| entry.into_server(server_name(&name)?, &self.site));
            let what = match server {
                Ok(server) if resources.insert(server.resource.clone()) => {
                    offers.push(Offer { source: Source::File, server });
                    continue;
                }
                Ok(server) => format!("{} is the address of another server", server.resource),
                Err(problem) => problem,
            };
            problems.push(Problem { place, server: Some(name), what });
        }
        if problems.is_empty() {
            Ok(Listing { offers, unknown, ..Listing::default() })
        } else {
            Err(entries(problems.iter().map(at)))
        }
    }

    /// Publishes the servers of the file whenever it changes, until all receivers are dropped.
    /// While the file is invalid or missing, the last good state stays published.
    pub async fn watch(self, publish: watch::Sender<Arc<Listing>>) {
        // A missing file is being replaced, or was removed by mistake. To remove all servers, empty
        // the `mcpServers` object.
        let file = Self { optional: false, ..self.clone() };
        let mut file_watch = Watch::new(self.path.clone());
        loop {
            tokio::select! {
                () = file_watch.changed() => {}
                () = publish.closed() => return,
            }
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
