//! A server of the catalogue: its name, its public URL, its users and its scopes.

use gateway_contract::servers::is_name;
use serde::Deserialize;
use url::Url;

use super::{CLIENT_PROVIDER, Person, ResourceUri, ServerScopes};

/// The login providers whose users an [`AllowList`] may name without a provider: GitHub, and login codes,
/// which only the operator mints. At any other provider, the first user to choose a name gets it.
const NAMED_BARELY: [&str; 2] = ["github", "local"];

/// The name of a server, a DNS label because it becomes part of a host name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerName(String);

impl ServerName {
    /// Parses a name. Returns `None` if it is not a DNS label in lower case (RFC 1123 §2.1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A list of the users who may use a server. Login itself has its own rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct AllowList(Vec<String>);

impl AllowList {
    /// Creates a list of `entries`.
    #[must_use]
    pub fn new(entries: Vec<String>) -> Self {
        Self(entries)
    }

    /// Returns `true` if an entry matches `user`. An entry is `*`, `provider:name`, `provider:id`, or a
    /// bare name, which matches users of GitHub and of login codes. Names are compared without regard to
    /// ASCII case, as the providers do.
    #[must_use]
    pub fn admits(&self, user: Person<'_>) -> bool {
        self.0.iter().map(|entry| entry.trim()).any(|entry| match entry.split_once(':') {
            None => entry == "*" || names_barely(entry, user),
            // Digits are always read as an id, although a login name may consist of digits.
            Some((_, id)) if id.bytes().all(|byte| byte.is_ascii_digit()) => entry == user.subject,
            Some((provider, name)) => {
                provider == user.provider() && name.eq_ignore_ascii_case(user.name)
            }
        })
    }

    /// Returns the entries of the list, unchanged.
    #[must_use]
    pub fn entries(&self) -> &[String] {
        &self.0
    }

    /// Returns `true` if the list has no entries other than blank ones, and so admits no users.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|entry| entry.trim().is_empty())
    }
}

/// Returns `true` if the bare name `entry` matches `user`. It never matches a client acting for itself,
/// because such a client chose its own name.
fn names_barely(entry: &str, user: Person<'_>) -> bool {
    NAMED_BARELY.contains(&user.provider()) && entry.eq_ignore_ascii_case(user.name)
}

/// An MCP server that this gateway protects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServer {
    /// The unique name of the server.
    pub name: ServerName,
    /// The display name of the server.
    pub title: String,
    /// The public URL, which is the resource identifier (RFC 8707 §2).
    pub resource: ResourceUri,
    /// The users who may use the server. With `None`, everyone who can log in may use it.
    pub allow: Option<AllowList>,
    /// The required scopes and their meaning.
    pub scopes: ServerScopes,
    /// The component that enforces the scopes of single tools.
    pub enforcer: Enforcer,
    /// The inner URL of a server of the file that speaks HTTP itself.
    pub url: Option<Url>,
}

/// The component that enforces the rules for single tools. The headers `Mcp-Method` and `Mcp-Name`
/// (MCP 2026-07-28) describe the body of a request. They can be trusted only if the backend compares
/// them with the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcer {
    /// The `mcp-stdio-proxy`, which reads the body and gets the scopes from `/verify`.
    Proxy,
    /// The endpoint `/verify`, by headers that the server checks against the body.
    Verify,
    /// No component, because the server does not check the headers.
    Nobody,
}

impl McpServer {
    /// Returns `true` if `user` may use this server. The allow list applies to users only. The servers of
    /// a client acting for itself are in its registration, where the operator wrote them.
    #[must_use]
    pub fn admits(&self, user: Person<'_>) -> bool {
        user.provider() == CLIENT_PROVIDER
            || self.allow.as_ref().is_none_or(|list| list.admits(user))
    }

    /// Returns `true` if the server can have an endpoint at its own path followed by `rest`. The proxy has
    /// a single endpoint, to whose URL clients may add a slash or `/mcp`. Other servers may have any
    /// endpoints below their path.
    #[must_use]
    pub fn serves(&self, rest: &str) -> bool {
        match self.enforcer {
            Enforcer::Verify | Enforcer::Nobody => rest.is_empty() || rest.starts_with('/'),
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

    /// Checks that a bare name matches only providers that the operator means by it. At other providers,
    /// anyone can take a name.
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

    /// Checks that case is ignored for ASCII only. Unicode case folding would turn U+212A and U+017F into
    /// ASCII letters.
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
