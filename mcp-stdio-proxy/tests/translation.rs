//! Properties of the translation between eras, tried on random messages; `PROPTEST_CASES` says how often.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test fails by panicking")]

use mcp_stdio_proxy::protocol::message::parse;
use mcp_stdio_proxy::protocol::meta::{ENVELOPE, SERVER_INFO, SUBSCRIPTION};
use mcp_stdio_proxy::protocol::object::{Edit, members};
use mcp_stdio_proxy::protocol::splice::line;
use mcp_stdio_proxy::translate::{capabilities, failure, input, request, result, subscription};
use proptest::prelude::*;

/// Names that mean something to the translation, and others.
const NAMES: [&str; 16] = [
    "_meta",
    "name",
    "arguments",
    "inputResponses",
    "requestState",
    "resultType",
    "ttlMs",
    "cacheScope",
    "a b",
    "é",
    "tasks",
    "roots",
    "progressToken",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/logLevel",
    "io.modelcontextprotocol/serverInfo",
];

fn blank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["", "", "", " ", "\t ", "  "][..])
}

const ODD: [&str; 8] =
    ["null", "true", "1.0", "-0", "1e3", "12345678901234567890", r#""\"]}{[,:""#, r#""\\""#];

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&ODD[..]).prop_map(str::to_owned),
        any::<i32>().prop_map(|number| number.to_string()),
        ".{0,8}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ]
}

/// The text of a name; a slash may be escaped.
fn name() -> impl Strategy<Value = String> {
    (prop::sample::select(&NAMES[..]), any::<bool>()).prop_map(|(name, escaped)| {
        if escaped { format!("\"{}\"", name.replace('/', "\\/")) } else { format!("\"{name}\"") }
    })
}

fn object_of(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (blank(), name(), blank(), value, blank());
    prop::collection::vec(member, 0..6).prop_map(|all| {
        let all: Vec<_> = all
            .into_iter()
            .map(|(a, name, b, value, c)| format!("{a}{name}{b}:{b}{value}{c}"))
            .collect();
        format!("{{{}}}", all.join(","))
    })
}

fn json() -> impl Strategy<Value = String> {
    scalar().prop_recursive(3, 24, 6, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4)
            .prop_map(|all| format!("[{}]", all.join(" , ")));
        prop_oneof![list, object_of(inner)]
    })
}

fn object() -> impl Strategy<Value = String> {
    object_of(json())
}

fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    String::from_utf8(line(text, &mut edits).trim_ascii_end().to_vec()).unwrap()
}

/// The members as they are written, without those that `gone` names.
fn left<'a>(object: &'a str, gone: &[&str]) -> Vec<(String, &'a str)> {
    let all = members(object).unwrap();
    all.into_iter()
        .filter(|one| !gone.contains(&&*one.name))
        .map(|one| (one.name.into_owned(), one.value))
        .collect()
}

/// The one inside of the two that are there.
fn meta(all: &[(String, &str)]) -> Option<String> {
    all.iter().find(|(name, _)| name == "_meta").map(|(_, value)| (*value).to_owned())
}

fn without_meta<'a>(all: &[(String, &'a str)]) -> Vec<(String, &'a str)> {
    all.iter().filter(|(name, _)| name != "_meta").cloned().collect()
}

proptest! {
    /// A request loses its envelope and what belongs to a retry; all else is written as it was.
    #[test]
    fn a_request_keeps_what_is_not_named(params in object()) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{params}}}"#);
        let at = text.len() - 1 - params.len();
        let inner = &text[at..text.len() - 1];
        let out = edited(&text, request::to_legacy(&text, inner));
        let seen = parse(&out).unwrap().params.unwrap().to_owned();
        let gone = ["inputResponses", "requestState"];
        let (before, after) = (left(&params, &gone), left(&seen, &[]));
        prop_assert_eq!(without_meta(&before), without_meta(&after));
        for name in gone {
            prop_assert!(members(&seen).unwrap().iter().all(|one| one.name != name));
        }
        match (meta(&before), meta(&after)) {
            (Some(before), Some(after)) if before.starts_with('{') => {
                prop_assert_eq!(left(&before, &ENVELOPE), left(&after, &[]));
            }
            (before, after) => prop_assert_eq!(before, after),
        }
    }

    /// A result gains what it lacks, once, and keeps all else as it was written.
    #[test]
    fn a_result_keeps_what_it_has(answer in object(), list in any::<bool>(), named in any::<bool>()) {
        let info = named.then_some(r#"{"name":"s"}"#);
        let method = if list { "tools/list" } else { "tools/call" };
        let out = edited(&answer, result::to_modern(&answer, &answer, method, info));
        let (before, after) = (left(&answer, &[]), left(&out, &[]));
        let added = ["resultType", "ttlMs", "cacheScope", "_meta"];
        prop_assert_eq!(left(&answer, &added), left(&out, &added));
        for name in &added[..3] {
            let count = |all: &[(String, &str)]| all.iter().filter(|(one, _)| one == name).count();
            let wanted = *name == "resultType" || list;
            prop_assert_eq!(count(&after), count(&before).max(usize::from(wanted)));
        }
        if let (Some(before), Some(after)) = (meta(&before), meta(&after))
            && before.starts_with('{')
        {
            prop_assert_eq!(left(&before, &[SERVER_INFO]), left(&after, &[SERVER_INFO]));
        }
        if named && meta(&before).is_none_or(|meta| meta.starts_with('{')) {
            let meta = meta(&after).unwrap();
            prop_assert!(members(&meta).unwrap().iter().any(|one| one.name == SERVER_INFO));
        }
    }

    /// A notification gains a tag, or has it replaced.
    #[test]
    fn a_notification_keeps_what_it_has(params in object()) {
        let text = format!(r#"{{"params":{params},"jsonrpc":"2.0","method":"x"}}"#);
        let envelope = parse(&text).unwrap();
        let edit = subscription::tagged(&text, &envelope, "\"id\"");
        let out = edited(&text, edit.into_iter().collect());
        let seen = parse(&out).unwrap().params.unwrap().to_owned();
        prop_assert_eq!(left(&params, &["_meta"]), left(&seen, &["_meta"]));
        let (before, after) = (meta(&left(&params, &[])), meta(&left(&seen, &[])));
        if before.as_ref().is_none_or(|meta| meta.starts_with('{')) {
            let after = after.unwrap();
            let tag = members(&after).unwrap().into_iter().find(|one| one.name == SUBSCRIPTION);
            prop_assert_eq!(tag.unwrap().value, "\"id\"");
            let before = before.unwrap_or_else(|| "{}".to_owned());
            prop_assert_eq!(left(&before, &[SUBSCRIPTION]), left(&after, &[SUBSCRIPTION]));
        }
    }

    /// The members of an object are those that a parser finds.
    #[test]
    fn members_are_those_of_the_parser(text in object()) {
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        let parsed = parsed.as_object().unwrap();
        for member in members(&text).unwrap() {
            prop_assert!(parsed.contains_key(&*member.name));
            prop_assert!(serde_json::from_str::<serde_json::Value>(member.value).is_ok());
            prop_assert!(text[member.place].ends_with(member.value));
        }
        prop_assert!(members(&text).unwrap().len() >= parsed.len());
    }

    /// Whatever comes, nothing panics.
    #[test]
    fn anything_is_survived(text in prop_oneof![".{0,60}", "[{}\\[\\]\",:a\\\\ 0-9]{0,60}", json()]) {
        let _members = members(&text);
        let _request = request::to_legacy(&text, &text);
        let _result = result::to_modern(&text, &text, "tools/list", Some("{}"));
        let _failure = failure::to_modern(&text, &text);
        let _declared = capabilities::to_legacy(&text);
        let _filter = subscription::Filter::read(&text);
        let _tag = subscription::tag(&text);
        let _visits = input::of_error(&text);
        let _answer = input::response(&text, "a");
        if let Ok(envelope) = parse(&text) {
            let _tagged = subscription::tagged(&text, &envelope, "1");
        }
    }
}
