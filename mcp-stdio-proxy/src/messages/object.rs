//! Access to the members of a JSON object by their position in the text. A member can be removed or inserted
//! while everything else stays byte for byte the same (RFC 8259 §4).

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

/// Returns the edits that remove all members except the `wanted` ones. The object with `members` begins at
/// `offset` of the edited text.
pub fn without(members: &[Member<'_>], offset: usize, wanted: impl Fn(&str) -> bool) -> Vec<Edit> {
    let cut = |range: Range<usize>| (range.start + offset..range.end + offset, String::new());
    let last = members.iter().rposition(|member| wanted(&member.name));
    let mut edits = Vec::new();
    for (member, next) in members.iter().zip(members.iter().skip(1)).take(last.unwrap_or(0)) {
        if !wanted(&member.name) {
            edits.push(cut(member.place.start..next.place.start));
        }
    }
    // A removed tail takes the preceding comma with it.
    let kept = last.and_then(|at| members.get(at)).map(|member| member.place.end);
    let from = kept.or_else(|| members.first().map(|member| member.place.start));
    if let (Some(from), Some(end)) = (from, members.last().map(|member| member.place.end))
        && from < end
    {
        edits.push(cut(from..end));
    }
    edits
}

/// Returns the edit that inserts `members`, without a comma at either end, into the object `text`, which
/// begins at `offset` of the edited text.
#[must_use]
pub fn with(text: &str, offset: usize, members: &str) -> Option<Edit> {
    let open = text.find('{')? + 1;
    let is_empty = text.get(open..)?.trim_start().starts_with('}');
    let comma = if is_empty { "" } else { "," };
    Some((offset + open..offset + open, format!("{members}{comma}")))
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

/// Returns the edits that replace all members named in `names` by `put`, which has no comma at either end.
/// The object `text` begins at `offset` of the edited text.
#[must_use]
pub fn set(text: &str, offset: usize, names: &[&str], put: &str) -> Option<Vec<Edit>> {
    let all = members(text)?;
    let stays = |name: &str| !names.contains(&name);
    if !all.iter().any(|member| stays(&member.name)) {
        return Some(vec![(offset..offset + text.len(), format!("{{{put}}}"))]);
    }
    let mut edits = Vec::new();
    if !put.is_empty() {
        edits.push(with(text, offset, put)?);
    }
    edits.extend(without(&all, offset, stays));
    Some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::splice;

    fn edited(text: &str, mut edits: Vec<Edit>) -> String {
        let line = splice::line(text, &mut edits);
        String::from_utf8(line.trim_ascii_end().to_vec()).unwrap()
    }

    fn strip(text: &str, out: &[&str]) -> String {
        let all = members(text).unwrap();
        edited(text, without(&all, 0, |name| !out.contains(&name)))
    }

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
    fn what_is_taken_out_takes_one_comma_along() {
        let text = r#"{"a":1, "b":2,"c":3}"#;
        assert_eq!(strip(text, &["a"]), r#"{"b":2,"c":3}"#);
        assert_eq!(strip(text, &["b"]), r#"{"a":1, "c":3}"#);
        assert_eq!(strip(text, &["c"]), r#"{"a":1, "b":2}"#);
        assert_eq!(strip(text, &["a", "c"]), r#"{"b":2}"#);
        assert_eq!(strip(text, &["b", "c"]), r#"{"a":1}"#);
        assert_eq!(strip(text, &["a", "b", "c"]), "{}");
        assert_eq!(strip(text, &["x"]), text);
        assert_eq!(strip("{ }", &["x"]), "{ }");
    }

    #[test]
    fn what_is_put_in_comes_first() {
        let put = |text| edited(text, vec![with(text, 0, "\"x\":0").unwrap()]);
        assert_eq!(put("{ }"), "{\"x\":0 }");
        assert_eq!(put("{\"a\":1}"), "{\"x\":0,\"a\":1}");
    }

    #[test]
    fn members_are_set_whatever_was_there() {
        let after = |object: &str, put| edited(object, set(object, 0, &["a"], put).unwrap());
        assert_eq!(after("{ }", r#""a":1"#), r#"{"a":1}"#);
        assert_eq!(after(r#"{"b": 2}"#, r#""a":1"#), r#"{"a":1,"b": 2}"#);
        assert_eq!(after(r#"{"a":0,"b": 2}"#, r#""a":1"#), r#"{"a":1,"b": 2}"#);
        assert_eq!(after(r#"{"b": 2, "a":0}"#, r#""a":1"#), r#"{"a":1,"b": 2}"#);
        assert_eq!(after(r#"{"a":0,"a":3}"#, r#""a":1"#), r#"{"a":1}"#);
        assert_eq!(after(r#"{"a":0,"b": 2}"#, ""), r#"{"b": 2}"#);
        assert_eq!(set("[]", 0, &["a"], ""), None);
    }

    #[test]
    fn a_member_that_is_there_twice_has_no_value() {
        assert_eq!(value(r#"{"a":1,"b":[2]}"#, "b"), Some("[2]"));
        assert_eq!(value(r#"{"b":1,"b":2}"#, "b"), None);
        assert_eq!(value("7", "b"), None);
    }
}
