//! Patterns of server names, tool names and client ids, in which `*` matches any characters.

use std::sync::Arc;

use gateway_contract::{
    spelling::{caseless, is_ambiguous_tool},
    tool_pattern::matches,
};

/// The longest tool name that is folded without an allocation.
const ON_STACK: usize = 256;

/// A pattern that is compared exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Creates a pattern from its text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the text of the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if the pattern matches the whole of `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        matches(&self.0, name)
    }

    /// Returns `true` if the pattern matches every text.
    #[must_use]
    pub fn matches_all(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte == b'*')
    }

    /// Returns `true` if some text matches both patterns.
    ///
    /// Two patterns with wildcards overlap if their beginnings and their ends agree: whatever is required between
    /// can follow in turn.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (Some((head, _)), Some((_, tail))) = (self.0.split_once('*'), self.0.rsplit_once('*'))
        else {
            return other.matches(&self.0);
        };
        let (Some((other_head, _)), Some((_, other_tail))) =
            (other.0.split_once('*'), other.0.rsplit_once('*'))
        else {
            return self.matches(&other.0);
        };
        (head.starts_with(other_head) || other_head.starts_with(head))
            && (tail.ends_with(other_tail) || other_tail.ends_with(tail))
    }
}

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
pub(super) fn denies(patterns: &[DeniedTools], name: &str) -> bool {
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

    /// Compares with all short texts over a small alphabet.
    #[test]
    fn patterns_overlap_if_a_text_matches_both() {
        let mut texts = vec![String::new()];
        for length in 0..6 {
            let longer = texts.iter().filter(|text| text.len() == length);
            let longer = longer.flat_map(|text| ["a", "b"].map(|c| format!("{text}{c}")));
            let longer = longer.collect::<Vec<_>>();
            texts.extend(longer);
        }
        let patterns = [
            "a", "ab", "*", "a*", "*a", "a*b", "b*", "*b", "ab*", "*ab*", "*ba", "a*a*b", "", "**",
        ];
        for one in patterns.map(Pattern::new) {
            for other in patterns.map(Pattern::new) {
                let common = texts.iter().any(|text| one.matches(text) && other.matches(text));
                assert_eq!(one.overlaps(&other), common, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn only_stars_match_every_text() {
        for (text, all) in [("*", true), ("**", true), ("", false), ("a*", false)] {
            assert_eq!(Pattern::new(text).matches_all(), all, "{text}");
        }
    }
}
