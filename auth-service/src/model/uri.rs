//! Parsed forms of the issuer, resource identifiers and redirect URIs.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::authority::without_root;

/// The reason why a text is not a valid issuer or resource identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUri(pub &'static str);

/// The issuer identifier (RFC 8414 §2). It uses https, has no query or fragment, and is compared byte for
/// byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    authority: String,
}

impl Issuer {
    /// Parses an issuer. It may not have a path, because the well-known documents are at the root.
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        let url = Url::parse(text).map_err(|_| InvalidUri("is not a URL"))?;
        if url.scheme() != "https" {
            return Err(InvalidUri("must use https (RFC 8414 section 2)"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidUri("must have no path, query or fragment"));
        }
        let authority =
            authority(&url).ok_or(InvalidUri("must have a host and no user information"))?;
        let canonical = format!("https://{authority}");
        if text != canonical {
            return Err(InvalidUri("must be written as https://host or https://host:port"));
        }
        Ok(Self { text: canonical, authority })
    }

    /// Returns the issuer as text, as it is in every document and token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the authority, `host` or `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the URL of `path` at this issuer.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

/// A resource identifier (RFC 8707 §2), the public URL of an MCP server. In its canonical form, scheme
/// and host are in lower case, without a default port or a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ResourceUri {
    text: String,
    path_at: usize,
}

impl ResourceUri {
    /// Parses a resource identifier. One trailing slash is removed, because clients add it to a bare origin
    /// (MCP 2025-06-18 prefers the form without it).
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        let url = Url::parse(text).map_err(|_| InvalidUri("is not an absolute URI"))?;
        if url.scheme() != "https" {
            return Err(InvalidUri("must use https"));
        }
        // RFC 8707 §2: "The URI MUST NOT include a fragment component."
        if url.fragment().is_some() || url.query().is_some() {
            return Err(InvalidUri("must have no query or fragment"));
        }
        let authority =
            authority(&url).ok_or(InvalidUri("must have a host and no user information"))?;
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let path_at = "https://".len() + authority.len();
        Ok(Self { text: format!("https://{authority}{path}"), path_at })
    }

    /// Returns the canonical form as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the authority, `host` or `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.get("https://".len()..self.path_at).unwrap_or("")
    }

    /// Returns the path, which is empty or starts with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(self.path_at..).unwrap_or("")
    }

    /// Returns the URL of the protected resource metadata. The well-known part is inserted between host
    /// and path (RFC 9728 §3.1).
    #[must_use]
    pub fn metadata_url(&self) -> String {
        let (authority, path) = (self.authority(), self.path());
        format!("https://{authority}/.well-known/oauth-protected-resource{path}")
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ResourceUri> for String {
    fn from(uri: ResourceUri) -> Self {
        uri.text
    }
}

impl TryFrom<String> for ResourceUri {
    type Error = InvalidUri;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

/// A redirect URI exactly as the client sent it, because it is compared as a string
/// (RFC 6749 §3.1.2.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Wraps the text of a client without a check. Registration checks redirect URIs.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the redirect URI as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the URI with `parameters` added to its query, which is kept (RFC 6749 §3.1.2). Returns
    /// `None` if it is not a valid URI.
    #[must_use]
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> Option<String> {
        let mut url = Url::parse(&self.0).ok()?;
        url.query_pairs_mut().extend_pairs(parameters);
        Some(url.into())
    }

    /// Returns the part that a user should check before consenting: the host, or the scheme of a native
    /// app.
    #[must_use]
    pub fn destination(&self) -> String {
        match Url::parse(&self.0) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                authority(&url).unwrap_or_default()
            }
            Ok(url) => format!("{}:", url.scheme()),
            Err(_) => String::new(),
        }
    }
}

/// Returns `host[:port]` in the canonical form of `canonical_authority`. Returns `None` if the URL has
/// user information or no host.
fn authority(url: &Url) -> Option<String> {
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let host = without_root(url.host_str()?);
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_has_one_canonical_spelling() {
        let canonical = "https://time.example.org/mcp";
        for text in [
            canonical,
            "HTTPS://TIME.example.org:443/mcp",
            "https://time.example.org/mcp/",
            "https://time.example.org./mcp",
            "https://time.example.org.:443/mcp",
        ] {
            assert_eq!(ResourceUri::parse(text).unwrap().as_str(), canonical);
        }
        let international = ResourceUri::parse("https://B\u{fc}cher.example/mcp").unwrap();
        assert_eq!(international.authority(), "xn--bcher-kva.example");
        assert_eq!(ResourceUri::parse("https://a.example/").unwrap().as_str(), "https://a.example");
        assert_ne!(ResourceUri::parse("https://time.example.org/MCP").unwrap().as_str(), canonical);
        for bad in ["http://a/mcp", "https://a/mcp#x", "https://u@a/mcp", "/mcp", "https://a/?q"] {
            assert!(ResourceUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_metadata_url_has_the_path_inserted() {
        let at = |text| ResourceUri::parse(text).unwrap().metadata_url();
        let base = "https://a.example:8443/.well-known/oauth-protected-resource";
        assert_eq!(at("https://a.example:8443/mcp"), format!("{base}/mcp"));
        assert_eq!(at("https://a.example:8443"), base);
    }

    #[test]
    fn an_issuer_is_written_in_one_way() {
        assert!(Issuer::parse("https://auth.example.org").is_ok());
        assert!(Issuer::parse("https://auth.example.org:8443").is_ok());
        for bad in ["http://auth.example.org", "https://auth.example.org/", "https://A.example"] {
            assert!(Issuer::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parameters_join_an_existing_query() {
        let uri = RedirectUri::new("https://app.example/cb?x=1");
        let there = uri.with_query(&[("state", "a&b=c")]).unwrap();
        assert_eq!(there, "https://app.example/cb?x=1&state=a%26b%3Dc");
    }
}
