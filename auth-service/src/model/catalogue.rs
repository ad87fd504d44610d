//! The immutable set of servers that this gateway protects.

use super::{McpServer, ResourceUri, ServerName, host_of};

/// The catalogue of all servers, replaced as a whole when the configuration changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    servers: Vec<McpServer>,
}

impl Catalogue {
    /// Creates a catalogue of `servers`. Their names and resources must be unique.
    #[must_use]
    pub fn new(servers: Vec<McpServer>) -> Self {
        Self { servers }
    }

    /// Returns the servers, in the order in which their providers list them.
    pub fn iter(&self) -> impl Iterator<Item = &McpServer> {
        self.servers.iter()
    }

    /// Returns the server with the resource identifier `resource` (RFC 8707 §2).
    #[must_use]
    pub fn by_resource(&self, resource: &ResourceUri) -> Option<&McpServer> {
        self.servers.iter().find(|server| server.resource == *resource)
    }

    /// Returns the server called `name`.
    #[must_use]
    pub fn by_name(&self, name: &ServerName) -> Option<&McpServer> {
        self.servers.iter().find(|server| server.name == *name)
    }

    /// Returns the server of the gateway if there is exactly one.
    #[must_use]
    pub fn only(&self) -> Option<&McpServer> {
        match self.servers.as_slice() {
            [server] => Some(server),
            _ => None,
        }
    }

    /// Returns the server on the host `authority` if there is exactly one.
    #[must_use]
    pub fn only_on(&self, authority: &str) -> Option<&McpServer> {
        let mut on_host =
            self.servers.iter().filter(|server| server.resource.authority() == authority);
        on_host.next().filter(|_| on_host.next().is_none())
    }

    /// Returns the authority in the catalogue for a request to the canonical `authority`. It is the same
    /// one, or else the only one with the same host name. A proxy in front may omit the public port or send
    /// its own listen port.
    #[must_use]
    pub fn authority_for(&self, authority: &str) -> Option<&str> {
        let all = || self.servers.iter().map(|server| server.resource.authority());
        if let Some(same) = all().find(|known| *known == authority) {
            return Some(same);
        }
        let mut named = all().filter(|known| host_of(known) == host_of(authority));
        let first = named.next()?;
        named.all(|other| other == first).then_some(first)
    }

    /// Returns the server that a request to `path` on `authority` is for. The longest server path that
    /// matches whole segments wins. Servers behind the proxy have a single endpoint, see
    /// [`McpServer::serves`].
    #[must_use]
    pub fn at(&self, authority: &str, path: &str) -> Option<&McpServer> {
        self.servers
            .iter()
            .filter(|server| server.resource.authority() == authority)
            .filter(|server| {
                path.strip_prefix(server.resource.path()).is_some_and(|rest| server.serves(rest))
            })
            .max_by_key(|server| server.resource.path().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Enforcer, ServerScopes};

    fn server(name: &str, resource: &str) -> McpServer {
        McpServer {
            name: ServerName::parse(name).unwrap(),
            title: name.into(),
            resource: ResourceUri::parse(resource).unwrap(),
            allow: None,
            scopes: ServerScopes::default(),
            enforcer: Enforcer::Proxy,
            url: None,
        }
    }

    #[test]
    fn a_request_belongs_to_the_longest_path_of_whole_segments() {
        let catalogue = Catalogue::new(vec![
            server("time", "https://gw.example/time/mcp"),
            server("deep", "https://gw.example/time/mcp/deep"),
            server("git", "https://git.example/mcp"),
            McpServer { enforcer: Enforcer::Verify, ..server("search", "https://s.example/mcp") },
            server("bare", "https://bare.example"),
        ]);
        let at = |host, path| catalogue.at(host, path).map(|server| server.name.as_str());
        assert_eq!(at("gw.example", "/time/mcp"), Some("time"));
        assert_eq!(at("gw.example", "/time/mcp/"), Some("time"));
        assert_eq!(at("gw.example", "/time/mcp/deep"), Some("deep"));
        for path in ["/time/mcp/x", "/time/mcp/deep/x", "/time/mcp//"] {
            assert_eq!(at("gw.example", path), None, "{path}");
        }
        for path in ["/mcp", "/mcp/", "/mcp/x", "/mcp/x/"] {
            assert_eq!(at("s.example", path), Some("search"), "{path}");
        }
        for path in ["", "/", "/mcp", "/mcp/"] {
            assert_eq!(at("bare.example", path), Some("bare"), "{path}");
        }
        for path in ["/x", "/mcp/x", "/healthz", "/servers"] {
            assert_eq!(at("bare.example", path), None, "{path}");
        }
        assert_eq!(at("gw.example", "/time/mcpx"), None);
        assert_eq!(at("gw.example", "/mcp"), None);
        assert_eq!(at("git.example", "/mcp/"), Some("git"));
        assert_eq!(at("git.example:8443", "/mcp"), None);
        for (asked, found) in [
            ("git.example", Some("git.example")),
            ("git.example:8443", Some("git.example")),
            ("nothing.example", None),
        ] {
            assert_eq!(catalogue.authority_for(asked), found, "{asked}");
        }
        assert!(catalogue.only_on("gw.example").is_none());
        assert!(catalogue.only_on("git.example").is_some());
    }
}
