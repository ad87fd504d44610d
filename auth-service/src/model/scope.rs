//! Scopes (RFC 6749 §3.3), a set of space-delimited, case-sensitive tokens.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// The error for a scope with a character that RFC 6749 §3.3 does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope has a character that RFC 6749 section 3.3 does not allow")]
pub struct InvalidScope;

/// A set of scopes, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Parses a `scope` parameter. Repeated scopes and extra spaces are ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        let tokens = text.split(' ').filter(|token| !token.is_empty());
        let mut scopes = BTreeSet::new();
        for token in tokens {
            // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
            if !token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return Err(InvalidScope);
            }
            scopes.insert(token.to_owned());
        }
        Ok(Self(scopes))
    }

    /// Creates a set of one scope, which must already be checked, for instance because it is from another
    /// set.
    #[must_use]
    pub(super) fn one(scope: &str) -> Self {
        Self([scope.to_owned()].into())
    }

    /// Returns the scopes that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Returns the scopes that are in at least one of the sets.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Returns `true` if the set contains every scope of `other`.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0)
    }

    /// Returns `true` if `list`, separated by spaces, contains every scope of the set.
    #[must_use]
    pub fn are_in(&self, list: &str) -> bool {
        self.iter().all(|scope| list.split(' ').any(|held| held == scope))
    }

    /// Returns `true` if the set has no scopes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

impl TryFrom<String> for Scopes {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_characters_of_rfc_6749_are_scopes() {
        assert_eq!(Scopes::parse("b  a a").unwrap().to_string(), "a b");
        assert_eq!(Scopes::parse("a\"b"), Err(InvalidScope));
        assert_eq!(Scopes::parse("a\\b"), Err(InvalidScope));
        assert_eq!(Scopes::parse("a\nb"), Err(InvalidScope));
    }
}
