//! Changes to the members of a JSON object (RFC 8259 §4).

use std::ops::Range;

use super::super::object::{Member, members};

/// A replacement of a range of a text.
type Edit = (Range<usize>, String);

/// Returns the edits that remove all members except the `wanted` ones. The object with `members` begins at
/// `offset` of the edited text.
pub(super) fn without(
    members: &[Member<'_>],
    offset: usize,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Edit> {
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
/// begins at `offset` of the edited text. Returns `None` if it is not an object.
pub(super) fn with(text: &str, offset: usize, members: &str) -> Option<Edit> {
    let inner = text.trim_start().strip_prefix('{')?;
    let open = text.len() - inner.len();
    let is_empty = inner.trim_start().starts_with('}');
    let comma = if is_empty { "" } else { "," };
    Some((offset + open..offset + open, format!("{members}{comma}")))
}

/// Returns the edits that replace all members named in `names` by `put`, which has no comma at either end.
/// The object `text` begins at `offset` of the edited text.
pub(super) fn set(text: &str, offset: usize, names: &[&str], put: &str) -> Option<Vec<Edit>> {
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
    use super::super::JsonEdit;

    fn strip(text: &str, out: &[&str]) -> String {
        JsonEdit::of(text).remove(text, |name| out.contains(&name)).apply()
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
        let put = |text| JsonEdit::of(text).insert(text, "\"x\":0").apply();
        assert_eq!(put("{ }"), "{\"x\":0 }");
        assert_eq!(put(" {\"a\":1}"), " {\"x\":0,\"a\":1}");
        assert_eq!(put("[{}]"), "[{}]", "not an object");
    }

    #[test]
    fn members_are_set_whatever_was_there() {
        let after = |object, put| JsonEdit::of(object).set(object, &["a"], put).apply();
        assert_eq!(after("{ }", r#""a":1"#), r#"{"a":1}"#);
        assert_eq!(after(r#"{"b": 2}"#, r#""a":1"#), r#"{"a":1,"b": 2}"#);
        assert_eq!(after(r#"{"a":0,"b": 2}"#, r#""a":1"#), r#"{"a":1,"b": 2}"#);
        assert_eq!(after(r#"{"b": 2, "a":0}"#, r#""a":1"#), r#"{"a":1,"b": 2}"#);
        assert_eq!(after(r#"{"a":0,"a":3}"#, r#""a":1"#), r#"{"a":1}"#);
        assert_eq!(after(r#"{"a":0,"b": 2}"#, ""), r#"{"b": 2}"#);
        assert_eq!(after("[]", r#""a":1"#), "[]", "not an object");
    }
}
