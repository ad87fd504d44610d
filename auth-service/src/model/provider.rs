//! Names of login providers, and the stable ids of people at them.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::user::CLIENT_PROVIDER;

/// The provider part of subjects that login with GitHub creates.
const GITHUB: &str = "github";
/// The provider part of subjects that login codes create.
const LOCAL: &str = "local";
/// The maximum length of a name, which is part of each subject and of a callback URL.
const MAX_NAME: usize = 32;
/// The maximum length of an id that stays readable (OpenID Connect Core §2, `sub`).
const MAX_READABLE: usize = 255;
/// The maximum length of an id at the provider. Longer ones are refused.
const MAX_ID: usize = 1024;

/// The name of a login provider: the first part of the subjects of its people, and the last part of
/// its callback URL.
///
/// The operator chooses it, and never the provider. So no provider can speak for another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderName(String);

/// The reason why a text is not the name of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidProviderName(&'static str);

impl ProviderName {
    /// Parses the name that an operator chose for a provider.
    pub fn parse(text: &str) -> Result<Self, InvalidProviderName> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(fits) {
            return Err(InvalidProviderName(
                "the name of a provider has 1 to 32 lower-case letters, digits and hyphens",
            ));
        }
        if [CLIENT_PROVIDER, GITHUB, LOCAL].contains(&text) {
            return Err(InvalidProviderName(
                "the names client, github and local are taken; choose another name",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name of the provider that the `GITHUB_*` variables configure.
    #[must_use]
    pub fn github() -> Self {
        Self(GITHUB.to_owned())
    }

    /// Returns `true` for the name of [`Self::github`].
    #[must_use]
    pub fn is_github(&self) -> bool {
        self.0 == GITHUB
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the subject of the person with the id `id`, such as `okta:00u1`.
    #[must_use]
    pub fn subject(&self, id: &str) -> String {
        format!("{}:{id}", self.0)
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the second part of a subject for `id`, a person's id at the provider.
///
/// An id of at most 255 printable ASCII characters stays as it is. Others become `~` and their bytes
/// as base64url, so that a subject fits into headers and logs. Different ids stay different. Returns
/// `None` for an empty id and for one of more than 1,024 bytes.
#[must_use]
pub fn stable_id(id: &str) -> Option<String> {
    if id.is_empty() || id.len() > MAX_ID {
        return None;
    }
    let readable = id.len() <= MAX_READABLE
        && !id.starts_with('~')
        && id.bytes().all(|byte| byte.is_ascii_graphic());
    Some(if readable {
        id.to_owned()
    } else {
        format!("~{}", BASE64_URL_SAFE_NO_PAD.encode(id.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_our_own_kinds_of_login_are_taken() {
        for good in ["okta", "a", "0", "kc-2", "oidc", &"x".repeat(32)] {
            assert_eq!(ProviderName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "client", "local", "github", "Okta", "a:b", "a b", "a/b", "é", "a_b", "a.b"]
        {
            assert!(ProviderName::parse(bad).is_err(), "{bad}");
        }
        assert!(ProviderName::parse(&"x".repeat(33)).is_err());
    }

    #[test]
    fn an_id_that_is_not_printable_is_encoded() {
        for good in ["7", "a:b", "github:7", "google-oauth2|123", &"x".repeat(255)] {
            assert_eq!(stable_id(good).as_deref(), Some(good));
        }
        for odd in ["a b", " ", "a\0", "a\n", "É", "E\u{301}", "~YQ", &"x".repeat(256)] {
            let id = stable_id(odd).unwrap();
            assert!(id.starts_with('~') && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
        }
        assert_ne!(stable_id("É"), stable_id("E\u{301}"), "no normalization");
        assert_ne!(stable_id("a"), stable_id("~YQ"));
        assert_eq!(stable_id(""), None);
        assert_eq!(stable_id(&"x".repeat(1025)), None);
    }

    proptest! {
        #[test]
        fn different_ids_stay_different(a in "[~a-zA-Z0-9 é:]{1,6}", b in "[~a-zA-Z0-9 é:]{1,6}") {
            prop_assert_eq!(stable_id(&a) == stable_id(&b), a == b);
            // Nor does the encoded form of one equal another.
            let encoded = stable_id(&a).unwrap();
            prop_assert_eq!(stable_id(&encoded) == stable_id(&a), encoded == a);
        }
    }
}
