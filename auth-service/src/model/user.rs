//! A user as authenticated by a login provider.

use serde::{Deserialize, Serialize};

/// The provider part in the subject of a client acting for itself (RFC 6749 §4.4), `client:ID`. No login
/// provider may have this name.
pub const CLIENT_PROVIDER: &str = "client";

/// A user who has logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The provider and its stable user id, such as `github:583231`, which is the `sub` claim of tokens.
    /// A login name can be changed and then taken by another user; an id cannot.
    pub subject: String,
    /// The login name, as shown to users.
    pub name: String,
    /// The verified e-mail address, if the provider states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The identity of a user to which access rules apply.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The provider and its stable user id.
    pub subject: &'a str,
    /// The login name at the provider.
    pub name: &'a str,
}

impl User {
    /// Returns the identity to which access rules apply.
    #[must_use]
    pub fn person(&self) -> Person<'_> {
        Person { subject: &self.subject, name: &self.name }
    }
}

impl<'a> Person<'a> {
    /// Returns the provider part of the subject, or an empty text if there is none.
    #[must_use]
    pub fn provider(self) -> &'a str {
        provider_of(self.subject)
    }
}

/// Returns the provider part of `subject`, or an empty text if there is none.
#[must_use]
pub fn provider_of(subject: &str) -> &str {
    subject.split_once(':').map_or("", |(provider, _)| provider)
}
