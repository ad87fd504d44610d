//! Patterns of tools that the access policy denies to a person.

use std::sync::Arc;

use crate::spelling::{caseless, is_ambiguous_tool};
use crate::tool_pattern::matches;

/// The longest tool name that is folded without an allocation.
const ON_STACK: usize = 256;

/// A pattern of tools that a rule denies. It also covers names that differ in case, because a server may not tell
/// them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeniedTools {
    text: Arc<str>,
    folded: Arc<str>,
}

impl DeniedTools {
    /// Creates a pattern from its text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), folded: caseless(text).into() }
    }

    /// Returns the text of the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Returns `true` if one of `patterns` covers the tool `name`. A name that a server may read as another one, because
/// it has invisible characters, is covered by every pattern.
#[must_use]
pub fn denies(patterns: &[DeniedTools], name: &str) -> bool {
    if patterns.is_empty() {
        return false;
    }
    let is_graphic = name.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_graphic && is_ambiguous_tool(name) {
        return true;
    }
    let covers = |folded: &str| patterns.iter().any(|pattern| matches(&pattern.folded, folded));
    let mut buffer = [0; ON_STACK];
    let Some(lower) = buffer.get_mut(..name.len()).filter(|_| name.is_ascii()) else {
        return covers(&caseless(name));
    };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).map_or(true, covers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_tool_is_denied_under_every_spelling() {
        let patterns = [DeniedTools::new("Delete_*"), DeniedTools::new("x")];
        for name in
            ["Delete_a", "delete_a", "DELETE_A", "x", "X", "x ", "read\u{200b}", "delete_\u{e4}"]
        {
            assert!(denies(&patterns, name), "{name:?}");
        }
        let long = format!("DELETE_{}", "a".repeat(400));
        assert!(denies(&patterns, &long));
        for name in ["undelete_a", "read a", "", "delete", "xx"] {
            assert!(!denies(&patterns, name), "{name:?}");
        }
        assert!(!denies(&[], "x "));
    }
}
