//! The catalogue from `mcp-servers.json`: the `mcpServers` object that MCP clients already use, with
//! the gateway's keys beside the command.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use tokio::sync::watch;

use crate::{
    config::Config,
    model::{AllowList, Catalogue, Enforcer, McpServer, ResourceUri, ServerName},
};

use super::stated_scopes::{StatedDetail, StatedTools, scopes};

/// How often the file is looked at. A look is one `stat`, and works where change events do not
/// arrive (bind mounts, editors that replace the file).
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The file is not a catalogue.
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
    base_domain: String,
    port: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "mcpServers")]
    servers: BTreeMap<String, Entry>,
}

/// The keys that matter here; those of the proxy are none of our business.
#[derive(Deserialize)]
struct Entry {
    title: Option<String>,
    resource: Option<String>,
    allow: Option<AllowList>,
    scopes: Option<Vec<String>>,
    #[serde(default, rename = "scopeDetails")]
    details: BTreeMap<String, StatedDetail>,
    #[serde(default)]
    tools: StatedTools,
    url: Option<serde::de::IgnoredAny>,
    #[serde(default, rename = "checksHeaders")]
    checks_headers: bool,
}

impl Entry {
    /// The proxy reads bodies; of a server without it nobody does, unless it compares them itself.
    fn enforcer(&self) -> Result<Enforcer, String> {
        match (&self.url, self.checks_headers) {
            (None, false) => Ok(Enforcer::Proxy),
            (None, true) => Err("checksHeaders is for a server with a url".to_owned()),
            (Some(_), false) if self.tools.name_scopes() => Err(
                "tools.scopes cannot be enforced for a url: set checksHeaders if the server refuses \
                 an Mcp-Name that differs from the body, or run it behind the proxy"
                    .to_owned(),
            ),
            (Some(_), _) => Ok(Enforcer::Verify),
        }
    }
}

impl ServersFile {
    /// The file of `config`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let port = match config.public_port {
            443 => String::new(),
            port => format!(":{port}"),
        };
        let (path, base_domain) = (config.servers_file.clone(), config.base_domain.clone());
        Self { path, base_domain, port }
    }

    /// The servers in the file now.
    pub fn read(&self) -> Result<Catalogue, Error> {
        let name = self.path.display().to_string();
        let text = std::fs::read_to_string(&self.path)
            .map_err(|error| Error::Read(name.clone(), error))?;
        let file: File =
            serde_json::from_str(&text).map_err(|error| Error::Json(name.clone(), error))?;
        let mut problems = Vec::new();
        let mut servers = Vec::new();
        let mut resources = HashSet::new();
        for (name, entry) in file.servers {
            match self.server(&name, entry) {
                Ok(server) if resources.insert(server.resource.clone()) => servers.push(server),
                Ok(server) => problems.push(format!("{name}: {} is taken", server.resource)),
                Err(problem) => problems.push(format!("{name}: {problem}")),
            }
        }
        if problems.is_empty() {
            Ok(Catalogue::new(servers))
        } else {
            Err(Error::Entries(name, problems.join("; ")))
        }
    }

    fn server(&self, name: &str, entry: Entry) -> Result<McpServer, String> {
        let name = ServerName::parse(name)
            .ok_or("a name has lower-case letters, digits and inner hyphens, at most 63")?;
        let default = || format!("https://{}.{}{}/mcp", name.as_str(), self.base_domain, self.port);
        let resource = entry.resource.clone().unwrap_or_else(default);
        let resource = ResourceUri::parse(&resource)
            .map_err(|problem| format!("resource \"{resource}\" {problem}"))?;
        if entry.allow.as_ref().is_some_and(AllowList::is_empty) {
            return Err("allow is empty, which admits nobody: list users, or \"*\"".to_owned());
        }
        let enforcer = entry.enforcer()?;
        let scopes = scopes(entry.scopes.as_deref(), entry.details, entry.tools)?;
        let title = entry.title.unwrap_or_else(|| name.as_str().to_owned());
        Ok(McpServer { name, title, resource, allow: entry.allow, scopes, enforcer })
    }

    /// Publishes the catalogue again whenever the file changes, for as long as somebody listens. A
    /// file that is wrong leaves the last good catalogue in place.
    pub async fn watch(self, publish: watch::Sender<Arc<Catalogue>>) {
        let mut seen = stamp(&self.path);
        while !publish.is_closed() {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = stamp(&self.path);
            if now == seen {
                continue;
            }
            seen = now;
            match self.read() {
                Ok(catalogue) => {
                    let count = catalogue.iter().count();
                    let changed = publish.send_if_modified(|current| {
                        let differs = **current != catalogue;
                        *current = Arc::new(catalogue);
                        differs
                    });
                    if changed {
                        log::info!("servers changed: {count} in {}", self.path.display());
                    }
                }
                Err(error) => log::error!("servers unchanged: {}", crate::model::Chain(&error)),
            }
        }
    }
}

/// What changes when the file does.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
