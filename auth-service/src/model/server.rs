//! A server of the catalogue: what is protected, under which name, and for whom.

use serde::Deserialize;

use super::{CLIENT_PROVIDER, Person, ResourceUri, ServerScopes};

/// The providers whose people a bare name of an [`AllowList`] can mean: GitHub, and login codes, which
/// the operator alone mints. A name at any other provider is chosen by whoever comes first there.
const NAMED_BARELY: [&str; 2] = ["github", "local"];

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

    /// Returns `true` if `user` is on the list: by `*`, `provider:name` or `provider:id`, or by a bare
    /// login name at GitHub or of a login code. Logins are compared without ASCII case, as the
    /// providers do.
    #[must_use]
    pub fn admits(&self, user: Person<'_>) -> bool {
        self.0.iter().map(|entry| entry.trim()).any(|entry| match entry.split_once(':') {
            None => entry == "*" || names_barely(entry, user),
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

/// A client that acts for itself has a name that it chose, and is never meant.
fn names_barely(entry: &str, user: Person<'_>) -> bool {
    NAMED_BARELY.contains(&user.provider()) && entry.eq_ignore_ascii_case(user.name)
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

    /// Returns `true` if something is served at the path of the server with `rest` behind it. The proxy has one
    /// endpoint; clients add a slash or `/mcp` to its URL. What another server has below its path is its own
    /// business.
    #[must_use]
    pub fn serves(&self, rest: &str) -> bool {
        match self.enforcer {
            Enforcer::Verify => rest.is_empty() || rest.starts_with('/'),
            Enforcer::Proxy => matches!(rest, "" | "/" | "/mcp" | "/mcp/"),
        }
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

    /// A name is of use to whoever can take it: only at providers that the operator means by it.
    #[test]
    fn s11_a_bare_name_matches_no_other_provider() {
        let list = |entry: &str| AllowList::new(vec![entry.into()]);
        for subject in ["github:7", "local:alice"] {
            assert!(list("alice").admits(user(subject, "alice")), "{subject}");
        }
        for subject in ["client:x", "google:1", "oidc:alice", "GitHub:7", "", "alice", ":alice"] {
            assert!(!list("alice").admits(user(subject, "alice")), "{subject}");
            assert!(!list("ALICE").admits(user(subject, "alice")), "{subject}");
        }
        assert!(list("google:alice").admits(user("google:1", "alice")));
        assert!(!list("local:alice").admits(user("github:7", "alice")));
        assert!(!list("github:alice").admits(user("local:alice", "alice")));
    }

    /// Only ASCII has no case: U+212A and U+017F fold to letters of ASCII elsewhere.
    #[test]
    fn s11_names_are_folded_in_ascii_alone() {
        let list = |entry: &str| AllowList::new(vec![entry.into()]);
        for (entry, name) in [("\u{212a}im", "kim"), ("kim", "\u{212a}im"), ("\u{17f}am", "sam")] {
            assert!(!list(entry).admits(user("github:7", name)), "{entry}");
            assert!(!list(&format!("github:{entry}")).admits(user("github:7", name)), "{entry}");
        }
        assert!(!list("\u{e9}ve").admits(user("local:x", "\u{c9}ve")));
    }

    #[test]
    fn a_server_name_is_a_dns_label() {
        assert!(ServerName::parse("sequential-thinking").is_some());
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", &"x".repeat(64)] {
            assert!(ServerName::parse(bad).is_none(), "{bad}");
        }
    }
}
