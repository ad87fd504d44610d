//! A server of the catalogue: what is protected, under which name, and for whom.

use serde::Deserialize;

use super::{CLIENT_PROVIDER, Person, ResourceUri, ServerScopes};

/// The name of a server: a DNS label, since it becomes part of a host name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerName(String);

impl ServerName {
    /// Reads a name; `None` when it cannot be a DNS label (RFC 1123 §2.1, lower case).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let edge = |byte: Option<&u8>| byte.is_some_and(|&byte| byte != b'-');
        let bytes = text.as_bytes();
        let good = (1..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && edge(bytes.first())
            && edge(bytes.last());
        good.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who may use a server, beyond being allowed to log in at all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct AllowList(Vec<String>);

impl AllowList {
    /// A list of its entries.
    #[must_use]
    pub fn new(entries: Vec<String>) -> Self {
        Self(entries)
    }

    /// Whether `user` is on the list: `*`, a login name, `provider:name`, or `provider:id`.
    /// Logins are compared without case, as the providers do.
    #[must_use]
    pub fn admits(&self, user: Person<'_>) -> bool {
        self.0.iter().map(|entry| entry.trim()).any(|entry| match entry.split_once(':') {
            None => entry == "*" || entry.eq_ignore_ascii_case(user.name),
            // Digits are an id and never a login, though a login may look like one.
            Some((_, id)) if id.bytes().all(|byte| byte.is_ascii_digit()) => entry == user.subject,
            Some((provider, name)) => {
                provider == user.provider() && name.eq_ignore_ascii_case(user.name)
            }
        })
    }

    /// Its entries.
    #[must_use]
    pub fn entries(&self) -> &[String] {
        &self.0
    }

    /// Whether nobody can be on the list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|entry| entry.trim().is_empty())
    }
}

/// One protected MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServer {
    /// Its name.
    pub name: ServerName,
    /// Its name for people.
    pub title: String,
    /// Its public URL.
    pub resource: ResourceUri,
    /// Who may use it; `None` leaves it to the login policy.
    pub allow: Option<AllowList>,
    /// What its scopes mean.
    pub scopes: ServerScopes,
    /// Who holds a client to the scopes of single tools.
    pub enforcer: Enforcer,
}

/// Where the rules for single tools are enforced: what a request says in its headers about its body
/// is to be believed only if somebody behind compares the two (MCP 2026-07-28 `Mcp-Method`,
/// `Mcp-Name`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcer {
    /// `mcp-stdio-proxy`, which reads the body, by the scopes it gets told.
    Proxy,
    /// `/verify`, by headers that the server checks against the body.
    Verify,
}

impl McpServer {
    /// Whether `user` may use this server. The list is of people; which servers a client may use for
    /// itself is in its registration, where the operator wrote it.
    #[must_use]
    pub fn admits(&self, user: Person<'_>) -> bool {
        user.provider() == CLIENT_PROVIDER
            || self.allow.as_ref().is_none_or(|list| list.admits(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user<'a>(subject: &'a str, name: &'a str) -> Person<'a> {
        Person { subject, name }
    }

    #[test]
    fn an_entry_names_a_login_a_provider_or_an_id() {
        let list = |entry: &str| AllowList::new(vec![entry.into()]);
        let alice = user("github:7", "Alice");
        for entry in ["*", "alice", " ALICE ", "github:alice", "github:7"] {
            assert!(list(entry).admits(alice), "{entry}");
        }
        for entry in ["", "bob", "local:alice", "github:8", "github:", "lice"] {
            assert!(!list(entry).admits(alice), "{entry}");
        }
        assert!(!AllowList::new(vec![]).admits(alice));
        let named_like_an_id = user("github:99", "7");
        assert!(!list("github:7").admits(named_like_an_id));
    }

    #[test]
    fn a_server_name_is_a_dns_label() {
        assert!(ServerName::parse("sequential-thinking").is_some());
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", &"x".repeat(64)] {
            assert!(ServerName::parse(bad).is_none(), "{bad}");
        }
    }
}
