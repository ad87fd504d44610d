//! Access to the members of a JSON object by their position in the text (RFC 8259 §4).

use std::borrow::Cow;
use std::ops::Range;

use super::scan::Scan;

/// A replacement of a range of a text.
pub type Edit = (Range<usize>, String);

/// A member of an object.
#[derive(Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// The decoded name of the member.
    pub name: Cow<'a, str>,
    /// The value as JSON text.
    pub value: &'a str,
    /// The range of the member, from the quote of its name to the end of its value.
    pub place: Range<usize>,
}

/// Returns the members of the object `text`, which must be valid JSON. Returns `None` if it is not an object,
/// or has more than 65,536 members.
#[must_use]
pub fn members(text: &str) -> Option<Vec<Member<'_>>> {
    let mut scan = Scan::new(text);
    let mut all = Vec::new();
    scan.blanks();
    scan.take(b'{')?;
    while scan.is_at_member(all.len())? {
        let (start, name) = scan.name(text)?;
        let value = scan.at;
        scan.value()?;
        let value = text.get(value..scan.at)?;
        all.push(Member { name: unquoted(name)?, value, place: start..scan.at });
    }
    Some(all)
}

pub(super) fn unquoted(name: &str) -> Option<Cow<'_, str>> {
    if name.contains('\\') {
        return serde_json::from_str(name).map(Cow::Owned).ok();
    }
    name.get(1..name.len().checked_sub(1)?).map(Cow::Borrowed)
}

/// Returns `true` if `text` may contain the string `word`, which has no slash. A substring search is cheaper
/// than parsing, but letters may be escaped.
#[must_use]
pub fn may_say(text: &str, word: &str) -> bool {
    let has = |part: &[u8]| memchr::memmem::find(text.as_bytes(), part).is_some();
    has(word.as_bytes()) || has(b"\\u")
}

/// Returns the value of the member `name` of the object `text`, if there is exactly one such member.
#[must_use]
pub fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut named = members(text)?.into_iter().filter(|member| member.name == name);
    let first = named.next()?;
    named.next().is_none().then_some(first.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_whatever_is_in_them() {
        let text = r#" { "a" : [1, {"x": "]}"}], "b\/c":"\\\"}", "d":-1.5e3 ,"e":{}, "f":null} "#;
        let found: Vec<_> =
            members(text).unwrap().into_iter().map(|one| (one.name, one.value)).collect();
        let want = [
            ("a", r#"[1, {"x": "]}"}]"#),
            ("b/c", r#""\\\"}""#),
            ("d", "-1.5e3"),
            ("e", "{}"),
            ("f", "null"),
        ];
        assert_eq!(found, want.map(|(name, value)| (name.into(), value)));
        assert_eq!(members("{}").unwrap(), []);
        for none in ["", "[]", "7", "\"{}\"", "{", "{\"a\":", "{\"a\":1"] {
            assert_eq!(members(none), None, "{none}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_has_no_value() {
        assert_eq!(value(r#"{"a":1,"b":[2]}"#, "b"), Some("[2]"));
        assert_eq!(value(r#"{"b":1,"b":2}"#, "b"), None);
        assert_eq!(value("7", "b"), None);
    }
}
