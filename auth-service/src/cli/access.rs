//! Command-line options that select servers and scopes.

use anyhow::{Context, ensure};
use clap::Args;

use crate::{
    model::{Catalogue, McpServer, OwnAccess, ResourceUri, Scopes, ServerName},
    oauth::AuthServer,
};

/// The servers and scopes that a command grants access to.
#[derive(Debug, Args)]
pub(super) struct Access {
    /// A server, by its name or its URL; may be repeated.
    #[arg(long = "server", value_name = "NAME")]
    pub(super) servers: Vec<String>,
    /// A scope of these servers; may be repeated. By default, the scopes that every use requires.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(super) scopes: Vec<String>,
}

impl Access {
    /// Returns the resource identifiers and scopes of the options. Fails if a server or a scope is unknown.
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
        ensure!(!resources.is_empty(), "--server is missing; name at least one server");
        let known = server.core.known_scopes(&resources);
        let asked = Scopes::parse(&self.scopes.join(" "))?;
        ensure!(known.contains_all(&asked), "unknown scope; these servers have {known}");
        let scopes = if asked.is_empty() { basic } else { asked };
        Ok(OwnAccess { resources, scopes })
    }
}

/// Finds a server by its name or its URL.
pub(super) fn find<'a>(catalogue: &'a Catalogue, text: &str) -> Option<&'a McpServer> {
    let by_name = ServerName::parse(text).and_then(|name| catalogue.by_name(&name));
    by_name.or_else(|| catalogue.by_resource(&ResourceUri::parse(text).ok()?))
}

/// Returns the error message for an unknown server, which lists the known ones.
pub(super) fn unknown(catalogue: &Catalogue, text: &str) -> String {
    let names: Vec<&str> = catalogue.iter().map(|server| server.name.as_str()).collect();
    format!("there is no server \"{text}\"; the servers are {}", names.join(", "))
}
