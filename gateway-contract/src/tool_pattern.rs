//! Patterns of tool names in `mcp-servers.json`, in which `*` matches any characters.

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
}
