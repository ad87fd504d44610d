//! Patterns of server names, tool names and client ids, in which `*` matches any characters.

use std::sync::Arc;

pub use gateway_contract::denied_tools::DeniedTools;
pub(super) use gateway_contract::denied_tools::denies;
use gateway_contract::tool_pattern::matches;

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

#[cfg(test)]
mod tests {
    use super::*;

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
