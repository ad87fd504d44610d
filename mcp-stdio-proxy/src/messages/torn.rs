//! Analysis of lines that are not valid JSON: the calls that they were meant to answer, and their defects.

use std::borrow::Cow;

use super::defect::{Answer, Defect};
use super::ids;
use super::object::{Member, unquoted};
use super::parts::Parts;
use super::scan::Scan;

/// The maximum number of responses in a line. Some servers omit the line break between two.
const ANSWERS: usize = 64;
/// The byte order mark.
const MARK: char = '\u{feff}';

/// An object in a text that may be truncated or invalid.
struct Torn<'a> {
    /// The complete members.
    members: Vec<Member<'a>>,
    /// The name of the truncated member.
    open: Option<Cow<'a, str>>,
    /// The end of the object, if it is complete.
    end: Option<usize>,
}

/// Parses the object at the start of `text`, as far as its members can be determined.
fn object(text: &str) -> Torn<'_> {
    let mut scan = Scan::new(text);
    let mut torn = Torn { members: Vec::new(), open: None, end: None };
    let Some(()) = scan.take(b'{') else { return torn };
    loop {
        match scan.is_at_member(torn.members.len()) {
            Some(true) => {}
            Some(false) => {
                torn.end = Some(scan.at + 1);
                return torn;
            }
            None => return torn,
        }
        let Some((start, name)) = scan.name(text) else { return torn };
        let name = unquoted(name).unwrap_or(Cow::Borrowed(name));
        let value = scan.at;
        let Some(value) = scan.value().and_then(|()| text.get(value..scan.at)) else {
            torn.open = Some(name);
            return torn;
        };
        torn.members.push(Member { name, value, place: start..scan.at });
    }
}

/// Returns the responses in `text`, which is not valid JSON. A line that begins with anything but JSON is
/// taken for a log line, even if it quotes a response.
#[must_use]
pub fn answers(text: &str) -> Vec<Answer> {
    // In UTF-16, every other byte of ASCII characters is zero.
    let plain = if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { text.into() };
    let mut rest = start(&plain);
    let mut all = Vec::new();
    while rest.starts_with('{') && all.len() < ANSWERS {
        let torn = object(rest);
        let parts = Parts::of(&torn.members);
        if parts.is_answer(torn.open.as_deref()) {
            let mut answer = parts.answer();
            if torn.end.is_none() && answer.id.is_none() {
                answer.id = last_id(rest.as_bytes());
            }
            all.push(answer);
        }
        let Some(after) = torn.end.and_then(|end| rest.get(end..)) else { break };
        rest = start(after);
    }
    all
}

/// Returns `true` if the line `text` begins an object that does not end on it.
#[must_use]
pub fn is_open(text: &str) -> bool {
    text.trim_start().starts_with('{') && object(text.trim_start()).end.is_none()
}

/// Skips to where the first object must begin, also within an array.
fn start(text: &str) -> &str {
    let skipped = |c: char| c == MARK || c == '\u{fffd}' || c.is_whitespace() || c.is_control();
    text.trim_start_matches(|c: char| skipped(c) || matches!(c, '[' | ']' | ','))
}

/// Determines the defect of `text`, for which serde reports the error `invalid`.
#[must_use]
pub fn defect(text: &str, invalid: &serde_json::Error) -> Defect {
    let why = invalid.to_string();
    let whole = object(text.trim_start()).end.is_some();
    if text.trim_start_matches('\0').starts_with(MARK) {
        Defect::Mark
    } else if why.starts_with("control character") {
        Defect::Control
    } else if invalid.is_eof() {
        Defect::Cut
    } else if why.starts_with("trailing characters") && whole {
        Defect::Trailing
    } else {
        Defect::Json(why)
    }
}

/// Returns the id in a line of which only head and tail are known. SDKs write it as the first or the last
/// member.
#[must_use]
pub fn id_of(head: &[u8], tail: &[u8]) -> Option<u64> {
    last_id(tail).or_else(|| first_id(head))
}

/// Returns `Some` if `head` begins a request or notification, with the JSON text of its id, if any.
#[must_use]
pub fn request(head: &[u8]) -> Option<Option<String>> {
    let head = String::from_utf8_lossy(head);
    let torn = object(start(&head));
    let last = |name: &str| torn.members.iter().rfind(|member| member.name == name);
    last("method").filter(|method| method.value.starts_with('"'))?;
    Some(last("id").map(|id| id.value.to_owned()).filter(|id| ids::is_id(id)))
}

/// Returns an id that is the last member of the message: `…"id":7}`.
fn last_id(tail: &[u8]) -> Option<u64> {
    let members = tail.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
    let colon = memchr::memrchr(b':', members)?;
    let (before, value) = members.split_at_checked(colon)?;
    let value = std::str::from_utf8(value.get(1..)?).ok()?.trim();
    before.trim_ascii_end().ends_with(b"\"id\"").then(|| ids::number(value))?
}

/// Returns an id that precedes any nested object: `{"jsonrpc":"2.0","id":7,…`.
fn first_id(head: &[u8]) -> Option<u64> {
    let head = String::from_utf8_lossy(head);
    let torn = object(start(&head));
    let id = torn.members.iter().rfind(|member| member.name == "id")?;
    ids::number(id.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Option<u64>> {
        answers(text).iter().map(|answer| answer.id).collect()
    }

    #[test]
    fn the_call_of_a_broken_answer_is_told_by_its_members() {
        let utf16: String = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#
            .chars()
            .flat_map(|letter| [letter, '\0'])
            .collect();
        for text in [
            r#"{"jsonrpc":"2.0","id":7,"result":{"a":"#,
            r#"{"jsonrpc":"2.0","id":"7","result":{"text":"x"#,
            r#"{"id":7,"error":{"code":1,"mess"#,
            r#"{"jsonrpc":"2.0","result":{"text":"a "quoted" b"},"id":7}"#,
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"a\":\"\u{1}\"}}",
            r#"[{"jsonrpc":"2.0","id":7.0,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{},}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{}} and more"#,
            &utf16,
        ] {
            assert_eq!(of(text), [Some(7)], "{text}");
        }
        let two = r#"{"jsonrpc":"2.0","id":7,"result":{}}{"jsonrpc":"2.0","id":8,"result":{}}"#;
        assert_eq!(of(two), [Some(7), Some(8)]);
        assert_eq!(of(r#"{"jsonrpc":"2.0","result":{"a":"#), [None]);
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":null,"error":{"#), [None]);
    }

    #[test]
    fn requests_and_logs_are_no_answers() {
        for text in [
            r#"got {"jsonrpc":"2.0","id":7,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"a","result":{"#,
            r#"{"jsonrpc":"2.0","id":7,"params":{"result":"#,
            r#"{"level":"info","id":7,"error":"x"#,
            r#"{"jsonrpc":"2.0","id":7"#,
            "{",
            "",
        ] {
            assert_eq!(of(text), [], "{text}");
        }
    }

    #[test]
    fn the_id_is_found_first_or_last_but_never_inside_the_result() {
        for (head, tail, id) in [
            (r#"{"jsonrpc":"2.0","id": 12,"result":"#, r#"x"}"#, Some(12)),
            (r#"{"jsonrpc":"2.0","id":"12","result":"#, r#"x"}"#, Some(12)),
            (r#"{"result":{"id":5"#, r#"x"},"jsonrpc":"2.0","id":7}"#, Some(7)),
            (r#"{"result":{"id":5"#, r#"x"},"id" : 7.0 }"#, Some(7)),
            (r#"{"result":{"id":5,"#, r#""id":6}}"#, None),
        ] {
            assert_eq!(id_of(head.as_bytes(), tail.as_bytes()), id, "{head} … {tail}");
        }
    }

    #[test]
    fn a_long_request_is_told_from_an_answer() {
        let of = |head: &str| request(head.as_bytes());
        assert_eq!(of(r#"{"jsonrpc":"2.0","method":"n","params":{"id":7"#), Some(None));
        assert_eq!(of(r#"{"id":"a","method":"m","params":{"#), Some(Some("\"a\"".to_owned())));
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":7,"result":{"method":"m"#), None);
    }
}
