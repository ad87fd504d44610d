//! JSON as a tree of values. A tree takes up to a hundred times the bytes of its text, so only texts of few
//! values become one.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The most values of a text that becomes a tree: some megabytes.
const VALUES: usize = 1 << 16;

/// Reads `text` into a tree; `None` if it is not valid, or has too many values.
#[must_use]
pub fn value(text: &str) -> Option<Value> {
    read(text)
}

/// Reads `text` into a type that holds trees; `None` if it does not fit, or has too many values.
#[must_use]
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    is_small(text).then(|| serde_json::from_str(text).ok()).flatten()
}

/// Whether `text` has few values.
#[must_use]
pub fn is_small(text: &str) -> bool {
    // Each value takes a byte.
    text.len() <= VALUES || values(text) <= VALUES
}

/// An upper bound of the number of values: each but the first follows one of these signs.
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

/// What follows the string that `bytes` begin with.
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
