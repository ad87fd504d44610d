//! A person, as a login provider vouches for them.

use serde::{Deserialize, Serialize};

/// The provider of a client that acts for itself (RFC 6749 §4.4): its subject is `client:ID`. No
/// provider of people may have this name.
pub const CLIENT_PROVIDER: &str = "client";

/// Who logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Provider and its stable id, `github:583231`: the `sub` of tokens. A login can be renamed and
    /// taken by somebody else; an id cannot.
    pub subject: String,
    /// The login name, as shown.
    pub name: String,
    /// A verified e-mail address, if the provider gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What of a person the rules are about.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Provider and its stable id.
    pub subject: &'a str,
    /// The login name.
    pub name: &'a str,
}

impl User {
    /// What of them the rules are about.
    #[must_use]
    pub fn person(&self) -> Person<'_> {
        Person { subject: &self.subject, name: &self.name }
    }
}

impl<'a> Person<'a> {
    /// The provider's part of the subject.
    #[must_use]
    pub fn provider(self) -> &'a str {
        self.subject.split_once(':').map_or("", |(provider, _)| provider)
    }
}
