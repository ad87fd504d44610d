//! Protected resource metadata (RFC 9728), a document for each server.

use serde::Serialize;

use super::AuthServer;
use crate::model::{Catalogue, McpServer};

/// The document.
#[derive(Debug, Serialize)]
pub struct ResourceMetadata {
    resource: String,
    authorization_servers: [String; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: String,
}

impl AuthServer {
    /// The metadata of the server at `path` on `authority`. The root document stands for the only
    /// server of a host.
    #[must_use]
    pub fn resource_metadata(&self, authority: &str, path: &str) -> Option<ResourceMetadata> {
        let catalogue = self.catalogue();
        let server = locate(&catalogue, authority, path)?;
        Some(ResourceMetadata {
            resource: server.resource.as_str().to_owned(),
            authorization_servers: [self.config.issuer.as_str().to_owned()],
            scopes_supported: server.scopes.basic.iter().map(str::to_owned).collect(),
            bearer_methods_supported: ["header"],
            resource_name: server.title.clone(),
        })
    }
}

fn locate<'a>(catalogue: &'a Catalogue, authority: &str, path: &str) -> Option<&'a McpServer> {
    match path.trim_end_matches('/') {
        "" => catalogue.only_on(authority),
        path => catalogue.at(authority, path).filter(|server| server.resource.path() == path),
    }
}
