//! The options that choose servers and scopes.

use anyhow::{Context, ensure};
use clap::Args;

use crate::{
    model::{Catalogue, McpServer, OwnAccess, ResourceUri, Scopes, ServerName},
    oauth::AuthServer,
};

/// Servers and scopes.
#[derive(Debug, Args)]
pub(super) struct Access {
    /// A server, by its name or its URL; may be repeated.
    #[arg(long = "server", value_name = "NAME")]
    pub(super) servers: Vec<String>,
    /// A scope of these servers; may be repeated. Without it, what any use needs.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(super) scopes: Vec<String>,
}

impl Access {
    /// The resource identifiers and scopes that are meant.
    pub(super) fn resolve(&self, server: &AuthServer) -> anyhow::Result<OwnAccess> {
        let catalogue = server.core.catalogue();
        let (mut resources, mut basic) = (Vec::new(), Scopes::default());
        for name in &self.servers {
            let known = find(&catalogue, name).cloned();
            let known = known.with_context(|| unknown(&catalogue, name))?;
            basic = basic.union(&known.scopes.basic);
            if !resources.contains(&known.resource) {
                resources.push(known.resource);
            }
        }
        ensure!(!resources.is_empty(), "no --server is given");
        let known = server.core.known_scopes(&resources);
        let asked = Scopes::parse(&self.scopes.join(" "))?;
        ensure!(known.contains_all(&asked), "these servers have the scopes {known}");
        let scopes = if asked.is_empty() { basic } else { asked };
        Ok(OwnAccess { resources, scopes })
    }
}

/// The server that the operator calls `text`: by its name or its URL.
pub(super) fn find<'a>(catalogue: &'a Catalogue, text: &str) -> Option<&'a McpServer> {
    let by_name = ServerName::parse(text).and_then(|name| catalogue.by_name(&name));
    by_name.or_else(|| catalogue.by_resource(&ResourceUri::parse(text).ok()?))
}

/// Says that there is no such server, and which there are.
pub(super) fn unknown(catalogue: &Catalogue, text: &str) -> String {
    let names: Vec<&str> = catalogue.iter().map(|server| server.name.as_str()).collect();
    format!("there is no server \"{text}\"; the servers are {}", names.join(", "))
}
