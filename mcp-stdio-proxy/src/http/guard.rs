//! Checks of the `Host` and `Origin` headers, as a defence against DNS rebinding (Streamable HTTP, "Security
//! Warning").

use std::net::IpAddr;

/// The allowed names in addition to loopback.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    hosts: Vec<Pattern>,
    origins: Vec<Pattern>,
    any_origin: bool,
}

/// A pattern `name` or `*.name`, optionally with `:port`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    scheme: Option<String>,
    name: String,
    below: bool,
    port: Option<String>,
}

impl Guard {
    /// Parses the lists; each entry may itself be a comma-separated list.
    #[must_use]
    pub fn new(hosts: &[String], origins: &[String]) -> Self {
        Self {
            hosts: patterns(hosts).collect(),
            origins: patterns(origins).collect(),
            any_origin: origins
                .iter()
                .flat_map(|list| list.split(','))
                .any(|one| one.trim() == "*"),
        }
    }

    /// Returns `true` if `host` is an allowed value of the `Host` header.
    #[must_use]
    pub fn allows_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let (name, port) = split_port(&host);
        is_loopback(name) || self.hosts.iter().any(|pattern| pattern.covers(None, name, port))
    }

    /// Returns `true` if pages of `origin` may use the proxy: "Servers MUST validate the Origin header".
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        if self.any_origin {
            return true;
        }
        let origin = origin.to_ascii_lowercase();
        let Some((scheme, host)) = origin.split_once("://") else {
            // "null" is the opaque origin of a page.
            return self.origins.iter().any(|pattern| pattern.is(&origin));
        };
        let (name, port) = split_port(host);
        let port = port.filter(|port| !is_usual(Some(scheme), port));
        let web = matches!(scheme, "http" | "https");
        (web && is_loopback(name))
            || self.origins.iter().any(|pattern| pattern.covers(Some(scheme), name, port))
    }
}

fn patterns(lists: &[String]) -> impl Iterator<Item = Pattern> {
    let entries = lists.iter().flat_map(|list| list.split(',')).map(str::trim);
    entries.filter(|config| !config.is_empty() && *config != "*").map(|config| {
        let config = config.trim_end_matches('/').to_ascii_lowercase();
        let (scheme, host) = match config.split_once("://") {
            Some((scheme, host)) => (Some(scheme.to_owned()), host),
            None => (None, config.as_str()),
        };
        let (name, port) = split_port(host);
        let port = port.filter(|port| !is_usual(scheme.as_deref(), port));
        let below = name.strip_prefix("*.");
        Pattern {
            scheme,
            name: below.unwrap_or(name).to_owned(),
            below: below.is_some(),
            port: port.map(str::to_owned),
        }
    })
}

impl Pattern {
    /// Returns `true` if the pattern is just the name `name`.
    fn is(&self, name: &str) -> bool {
        self.scheme.is_none() && !self.below && self.port.is_none() && self.name == name
    }

    /// Returns `true` if the pattern matches. A pattern without a scheme matches any scheme and, without a
    /// port, any port. One with a scheme is an origin, which has the default port of its scheme unless it
    /// names another.
    fn covers(&self, scheme: Option<&str>, name: &str, port: Option<&str>) -> bool {
        let is_below = || {
            let labels = name.strip_suffix(self.name.as_str())?.strip_suffix('.')?;
            Some(!labels.is_empty())
        };
        let same_name = if self.below { is_below() == Some(true) } else { name == self.name };
        same_name
            && match self.port.as_deref() {
                Some(wanted) => port == Some(wanted),
                None => port.is_none() || self.scheme.is_none(),
            }
            && self.scheme.as_deref().is_none_or(|wanted| scheme == Some(wanted))
    }
}

/// Returns `true` for the default port of `scheme`, which browsers omit.
fn is_usual(scheme: Option<&str>, port: &str) -> bool {
    matches!((scheme, port), (Some("http"), "80") | (Some("https"), "443"))
}

/// Splits `name[:port]`, where the name may be an IPv6 address in brackets.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

fn is_loopback(name: &str) -> bool {
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns the first label of a host name, which may select a server.
#[must_use]
pub fn first_label(host: &str) -> &str {
    host.split(['.', ':']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(hosts: &str, origins: &str) -> Guard {
        Guard::new(&[hosts.to_owned()], &[origins.to_owned()])
    }

    #[test]
    fn loopback_is_always_allowed_and_nothing_else_by_itself() {
        let guard = Guard::default();
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "[::1]"]
        {
            assert!(guard.allows_host(host), "{host}");
            assert!(guard.allows_origin(&format!("http://{host}")), "{host}");
        }
        for host in
            ["", "evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.1", "[::2]"]
        {
            assert!(!guard.allows_host(host), "{host}");
            assert!(!guard.allows_origin(&format!("https://{host}")), "{host}");
        }
        for origin in ["null", "", "file://", "ftp://localhost"] {
            assert!(!guard.allows_origin(origin), "{origin}");
        }
    }

    #[test]
    fn a_star_stands_for_labels_below_and_a_port_for_itself() {
        let guard = guard("*.mcp.localhost, mcp.example:8443", "https://claude.ai,*.mcp.localhost");
        for host in ["a.mcp.localhost:1", "A.B.mcp.localhost", "mcp.example:8443"] {
            assert!(guard.allows_host(host), "{host}");
        }
        for host in
            ["mcp.localhost", ".mcp.localhost", "xmcp.localhost", "mcp.example", "mcp.example:1"]
        {
            assert!(!guard.allows_host(host), "{host}");
        }
        assert!(
            guard.allows_origin("https://claude.ai") && !guard.allows_origin("http://claude.ai")
        );
        assert!(!guard.allows_origin("https://claude.ai:8443"));
        assert!(guard.allows_origin("https://x.mcp.localhost:8443"));
        assert!(!guard.allows_origin("https://evil.com"));
        assert!(Guard::new(&[], &["*".into()]).allows_origin("null"));
        assert!(!guard.allows_origin("null") && !guard.allows_origin("claude.ai"));
        assert!(!Guard::new(&["*".into()], &[]).allows_host("evil.com"));
    }

    #[test]
    fn p7_an_entry_with_a_scheme_is_one_origin() {
        let guard =
            guard("", "https://A.example:443/, http://b.example:8080,null,app://obsidian.md");
        for origin in [
            "https://a.example",
            "https://a.example:443",
            "http://b.example:8080",
            "null",
            "app://obsidian.md",
        ] {
            assert!(guard.allows_origin(origin), "{origin}");
        }
        for origin in ["https://a.example:444", "http://a.example", "http://b.example", "app://x"] {
            assert!(!guard.allows_origin(origin), "{origin}");
        }
    }
}
