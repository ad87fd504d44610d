//! Parsing of JSON into a tree of values. A tree takes up to a hundred times the size of its text, so the
//! number of values is limited.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The maximum number of values in a tree, equivalent to some megabytes.
const VALUES: usize = 1 << 16;

/// Parses `text` into a tree. Returns `None` if it is invalid or has too many values.
#[must_use]
pub fn value(text: &str) -> Option<Value> {
    read(text)
}

/// Parses `text` into a type that contains trees. Returns `None` if it does not match or has too many values.
#[must_use]
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    is_small(text).then(|| serde_json::from_str(text).ok()).flatten()
}

/// Returns `true` if the number of values in `text` is within the limit.
#[must_use]
pub fn is_small(text: &str) -> bool {
    // Each value takes at least one byte.
    text.len() <= VALUES || values(text) <= VALUES
}

/// Returns an upper bound of the number of values: each but the first follows one of these characters.
fn values(text: &str) -> usize {
    let (mut count, mut rest) = (1usize, text.as_bytes());
    while let Some(quote) = memchr::memchr(b'"', rest) {
        let (before, string) = rest.split_at(quote);
        count += signs(before);
        rest = after_string(string);
    }
    count + signs(rest)
}

fn signs(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| matches!(byte, b',' | b':' | b'[')).count()
}

/// Returns the rest of `bytes` after the string at their start.
fn after_string(bytes: &[u8]) -> &[u8] {
    let mut at = 1;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = memchr::memchr2(b'"', b'\\', rest) else { return &[] };
        at += found + 1;
        if rest.get(found) == Some(&b'"') {
            return bytes.get(at..).unwrap_or_default();
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings() {
        assert_eq!(values(r#"{"a,[:":[1,"x\",",{}],"b":null}"#), 7);
        assert_eq!(values("7"), 1);
        assert_eq!(values(r#""open"#), 1);
    }

    #[test]
    fn a_text_of_many_values_is_no_tree_and_a_long_string_is_one() {
        let many = format!("[{}1]", "1,".repeat(VALUES));
        assert!(value(&many).is_none());
        let empty = format!("[{}1]", "[],".repeat(VALUES / 2));
        assert!(value(&empty).is_none());
        let long = format!("[\"{}\"]", ",".repeat(4 * VALUES));
        assert!(value(&long).is_some());
        assert!(value("{").is_none());
    }
}
