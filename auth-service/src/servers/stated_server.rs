//! The definition of a server by the operator, from an entry in the servers file or from the labels
//! of a container.

use std::collections::BTreeMap;

use gateway_contract::servers::NAME_RULE;
use serde::Deserialize;
use url::Url;

use super::stated_scopes::{StatedDetail, StatedTools, scopes};
use crate::{
    config::{Config, ServerUrls},
    model::{AllowList, Enforcer, McpServer, ResourceUri, ServerName, canonical_host, host_of},
};

/// The first path segments of the authorization server itself. No server on the same host may use
/// them.
pub const OWN_PATHS: [&str; 20] = [
    "backchannel-logout",
    ".well-known",
    "admin",
    "assets",
    "authorize",
    "callback",
    "device",
    "device_authorization",
    "ended-grants",
    "health",
    "introspect",
    "jwks",
    "me",
    "ready",
    "register",
    "revoke",
    "sign-in",
    "sign-out",
    "token",
    "verify",
];

/// The settings from which the public URLs of servers are built.
#[derive(Clone)]
pub(super) struct Site {
    base_domain: String,
    /// Empty for the default port, else a colon and the port.
    port: String,
    urls: ServerUrls,
    issuer: String,
}

impl Site {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            base_domain: config.base_domain.clone(),
            port: config.port_suffix(),
            urls: config.server_urls,
            issuer: config.issuer.authority().to_owned(),
        }
    }

    /// Returns the URL of a server without `resource`.
    fn default_url(&self, name: &ServerName) -> String {
        self.url_at(&self.host_of(name.as_str()), name)
    }

    /// Returns the URL of a server on `host`.
    pub(super) fn url_at(&self, host: &str, name: &ServerName) -> String {
        match self.urls {
            ServerUrls::Host => format!("https://{host}{}/mcp", self.port),
            ServerUrls::Path => format!("https://{host}{}/{}/mcp", self.port, name.as_str()),
        }
    }

    /// Returns the host of a server without `resource`.
    pub(super) fn host_of(&self, name: &str) -> String {
        match self.urls {
            ServerUrls::Host => format!("{name}.{}", self.base_domain),
            ServerUrls::Path => self.base_domain.clone(),
        }
    }

    /// Returns the host of the authorization server, without a port.
    pub(super) fn login_host(&self) -> &str {
        host_of(&self.issuer)
    }

    /// Returns `true` if servers are paths of the login host.
    pub(super) fn shares_login_host(&self) -> bool {
        self.urls == ServerUrls::Path
    }

    /// Returns `true` if `host` belongs to the authorization server alone.
    pub(super) fn is_login_host(&self, host: &str) -> bool {
        !self.shares_login_host() && canonical_host(host).as_deref() == Some(self.login_host())
    }

    /// Returns `true` if `resource` is a URL of the authorization server itself.
    fn is_own(&self, resource: &ResourceUri) -> bool {
        let first = resource.path().split('/').nth(1).unwrap_or("");
        resource.authority() == self.issuer && (first.is_empty() || OWN_PATHS.contains(&first))
    }
}

/// The keys of an entry that matter here. The keys of the proxy are ignored.
#[derive(Deserialize)]
pub(super) struct StatedServer {
    pub(super) title: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) allow: Option<AllowList>,
    pub(super) scopes: Option<Vec<String>>,
    #[serde(default, rename = "scopeDetails")]
    pub(super) details: BTreeMap<String, StatedDetail>,
    #[serde(default)]
    pub(super) tools: StatedTools,
    /// Present for a native HTTP server, whose requests do not pass through the proxy.
    url: Option<String>,
    #[serde(default, rename = "checksHeaders")]
    pub(super) checks_headers: bool,
}

impl StatedServer {
    /// Creates an empty definition of a native HTTP server.
    pub(super) fn native() -> Self {
        Self {
            title: None,
            resource: None,
            allow: None,
            scopes: None,
            details: BTreeMap::new(),
            tools: StatedTools::default(),
            url: Some(String::new()),
            checks_headers: false,
        }
    }

    /// Validates the definition. Returns the server with the name `name`, or a message for the
    /// operator.
    pub(super) fn into_server(self, name: ServerName, site: &Site) -> Result<McpServer, String> {
        let resource = self.resource.clone().unwrap_or_else(|| site.default_url(&name));
        let resource = ResourceUri::parse(&resource)
            .map_err(|problem| format!("resource \"{resource}\" {problem}"))?;
        if site.is_own(&resource) {
            return Err(format!("{resource} is an address of the authorization server itself"));
        }
        if self.allow.as_ref().is_some_and(AllowList::is_empty) {
            return Err("allow is empty, which admits nobody: list users, or \"*\"".to_owned());
        }
        let enforcer = self.enforcer()?;
        let scopes = scopes(self.scopes.as_deref(), self.details, self.tools)?;
        let title = self.title.unwrap_or_else(|| name.as_str().to_owned());
        // A container states none: only Traefik is on its network.
        let url = self.url.as_deref().and_then(|url| Url::parse(url).ok());
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        Ok(McpServer { name, title, resource, allow: self.allow, scopes, enforcer, url })
    }

    /// Determines the component that enforces the scopes of tools. The proxy reads request bodies.
    /// `/verify` reads only `Mcp-*` headers, so a native server must compare them with the body.
    fn enforcer(&self) -> Result<Enforcer, String> {
        match (&self.url, self.checks_headers) {
            (None, false) => Ok(Enforcer::Proxy),
            (None, true) => Err("checksHeaders applies only to a server with a url".to_owned()),
            (Some(_), false) if self.tools.name_scopes() => Err(
                "tools.scopes cannot be enforced for a url: set checksHeaders if the server rejects \
                 an Mcp-Name that differs from the body, or run it behind the proxy"
                    .to_owned(),
            ),
            (Some(_), true) => Ok(Enforcer::Verify),
            (Some(_), false) => Ok(Enforcer::Nobody),
        }
    }
}

/// Parses the name of a server. Returns a message for the operator if it is invalid.
pub(super) fn server_name(text: &str) -> Result<ServerName, String> {
    ServerName::parse(text).ok_or_else(|| NAME_RULE.to_owned())
}
