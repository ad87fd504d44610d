//! Protected resource metadata (RFC 9728), one document per server.

use serde::Serialize;

use crate::{
    config::ServerUrls,
    model::{Catalogue, McpServer},
    oauth::Discovery,
};

/// The protected resource metadata of one server as JSON (RFC 9728 §2).
#[derive(Debug, Serialize)]
pub struct ResourceMetadata {
    resource: String,
    authorization_servers: [String; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: String,
}

impl Discovery {
    /// Returns the metadata of the server at `path` on `authority`.
    ///
    /// The root path means the only server of the host.
    #[must_use]
    pub fn resource_metadata(&self, authority: &str, path: &str) -> Option<ResourceMetadata> {
        let catalogue = self.core.catalogue();
        let server = locate(&catalogue, authority, path)?;
        Some(ResourceMetadata {
            resource: server.resource.as_str().to_owned(),
            authorization_servers: [self.core.config.issuer.as_str().to_owned()],
            scopes_supported: server.scopes.basic.iter().map(str::to_owned).collect(),
            bearer_methods_supported: ["header"],
            resource_name: server.title.clone(),
        })
    }
}

/// The content of the page of a server.
#[derive(Debug)]
pub struct ServerPage {
    /// The name of the server in the catalogue.
    pub name: String,
    /// The title of the server for people.
    pub title: String,
    /// The URL to connect to.
    pub url: String,
}

impl Discovery {
    /// Returns the page content of the server at `path` on `authority`.
    ///
    /// The root path means the only server of the host.
    #[must_use]
    pub fn server_page(&self, authority: &str, path: &str) -> Option<ServerPage> {
        let catalogue = self.core.catalogue();
        let server = locate(&catalogue, authority, path)?;
        Some(ServerPage {
            name: server.name.as_str().to_owned(),
            title: server.title.clone(),
            url: server.resource.to_string(),
        })
    }

    /// Returns the URL pattern of the servers, with the placeholder `NAME`.
    #[must_use]
    pub fn example_url(&self) -> String {
        let domain = &self.core.config.base_domain;
        let port = self.core.config.port_suffix();
        match self.core.config.server_urls {
            ServerUrls::Host => format!("https://NAME.{domain}{port}/mcp"),
            ServerUrls::Path => format!("https://{domain}{port}/NAME/mcp"),
        }
    }
}

fn locate<'a>(catalogue: &'a Catalogue, authority: &str, path: &str) -> Option<&'a McpServer> {
    let authority = catalogue.authority_for(authority)?;
    match path.trim_end_matches('/') {
        "" => catalogue.only_on(authority),
        path => catalogue.at(authority, path).filter(|server| server.resource.path() == path),
    }
}
