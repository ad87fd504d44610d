//! Patterns of tool names in `mcp-servers.json`, in which `*` matches any characters.

use crate::spelling::caseless;

/// Returns `true` if `pattern` matches `name` as a whole. Each part is taken at its first occurrence, so the cost is
/// linear in the length of the name.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|head| name.strip_prefix(head)) else { return false };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    let Some(mut rest) = rest.strip_suffix(tail) else { return false };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

/// A pattern that restricts tools. It also covers names that differ in case, because a server may not tell them
/// apart: a restricted tool must not run under another spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaselessPattern {
    exact: String,
    folded: String,
}

impl From<String> for CaselessPattern {
    fn from(exact: String) -> Self {
        Self { folded: caseless(&exact), exact }
    }
}

impl CaselessPattern {
    /// Returns `true` if the pattern matches `name` or its case-folded form `folded`.
    #[must_use]
    pub fn covers(&self, name: &str, folded: &str) -> bool {
        matches(&self.exact, name) || matches(&self.folded, folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_have_stars_anywhere() {
        for (pattern, name) in [
            ("read_*", "read_file"),
            ("*", ""),
            ("*", "anything"),
            ("a*c*e", "abcde"),
            ("*_all", "delete_all"),
            ("read", "read"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("read_*", "write_file"),
            ("read", "reader"),
            ("a*c", "ab"),
            ("a*a", "a"),
            ("a*b*b", "ab"),
            ("", "x"),
            ("Read", "read"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_restriction_covers_every_case() {
        let pattern = CaselessPattern::from("Delete_*".to_owned());
        for name in ["Delete_x", "delete_x", "DELETE_X", "dele\u{0054}e_x"] {
            assert!(pattern.covers(name, &caseless(name)), "{name}");
        }
        assert!(!pattern.covers("undelete_x", "undelete_x"));
    }
}
