//! What holds for every translation of a message, whatever the message.

use std::borrow::Cow;

use mcp_stdio_proxy::messages::json_edit::JsonEdit;
use mcp_stdio_proxy::messages::message::{self, Envelope};
use mcp_stdio_proxy::messages::meta::{
    Asked, CAPABILITIES, ENVELOPE, SERVER_INFO, SUBSCRIPTION, VERSION,
};
use mcp_stdio_proxy::messages::object::{members, value};
use mcp_stdio_proxy::messages::place::span;
use mcp_stdio_proxy::messages::translate::discover::{self, ServerInfo};
use mcp_stdio_proxy::messages::translate::{
    capabilities, failure, input, log, request, result, round, subscription,
};
use serde_json::Value;

use crate::random::Random;
use crate::tasks;

/// Members that a legacy request must not bring along.
const RETRY: [&str; 2] = ["inputResponses", "requestState"];
/// The member that makes a request a task.
const TASK: &str = "task";
/// The requests that it makes one, by the first part of their methods.
const MAY_BE_TASKS: [&str; 4] = ["tools", "prompts", "resources", "completion"];
/// Members that a result is given.
const COMPLETION: [&str; 4] = ["resultType", "ttlMs", "cacheScope", "_meta"];
/// A handshake.
const HELLO: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"c"}}"#;

/// One execution: a random message, every translation of it, every property.
pub(crate) fn check(random: &mut Random) {
    spelling(&random.misspelt());
    if random.chance(20) {
        tasks::check(random);
    }
    let text = match random.below(10) {
        0..=4 => random.request(),
        5..=8 => random.response(),
        _ => {
            let text = if random.chance(50) { random.request() } else { random.response() };
            random.broken(&text)
        }
    };
    // What is no message is translated by nobody; its parts may still be looked at.
    let Ok(read) = message::parse(&text) else { return look_at(&text) };
    if let Some(params) = read.params {
        look_at(params);
    }
    match read.kind {
        message::Kind::Request => {
            to_modern_server(&text, &read);
            to_legacy_server(&text, &read);
            tasks::request(&text, &read);
        }
        message::Kind::Notification => notification(&text, &read),
        message::Kind::Response => answer(&text, &read, random),
    }
}

/// A message that is not refused is read alike by the proxy, by libraries that fold case or end names at NUL,
/// and by those that do not, which take the last of two equal names.
fn spelling(text: &str) {
    let Ok(read) = message::parse(text) else { return };
    let asked = Asked::of(read.params);
    if read.check_spelling(&asked).is_err() {
        return;
    }
    let folded = crate::fold::read(text).expect("valid");
    let exact: Value = serde_json::from_str(text).expect("valid");
    for seen in [&folded, &exact] {
        assert_eq!(seen["method"], *read.method, "{text}");
        assert_eq!(seen["id"].to_string(), read.id, "{text}");
        assert_eq!(seen["params"]["name"].as_str(), asked.name().as_deref(), "{text}");
        assert!(seen.get("result").is_none(), "{text}");
    }
    assert_eq!(folded["params"].get("task"), exact["params"].get("task"), "{text}");
}

/// Readers of parts never fail on what is none.
fn look_at(text: &str) {
    let _asked = (subscription::tag(text), subscription::uri(text), round::read(text).is_some());
    let _greeting = ServerInfo::new(text.to_owned()).discovered();
    let _capable = (capabilities::to_legacy(text), capabilities::to_modern(text));
    let _level = (log::level(text), log::level_of(Some(text)));
    let _input = (input::response(text, "a").is_some(), input::of_error(text).is_some());
    let _handshake = discover::handshake(text, "2025-11-25", "s");
    tasks::look_at(text);
}

pub(crate) fn valid(text: &str) {
    assert!(serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok(), "{text}");
}

/// The members as texts, without those with `names`.
pub(crate) fn rest<'a>(object: &'a str, names: &[&str]) -> Vec<(Cow<'a, str>, &'a str)> {
    let all = members(object).unwrap_or_default();
    let all = all.into_iter().map(|member| (member.name, member.value));
    all.filter(|(name, _)| !names.contains(&&**name)).collect()
}

/// The text but for `part`.
pub(crate) fn around<'a>(text: &'a str, part: &str) -> (&'a str, &'a str) {
    let range = span(text, part).expect("a part of it");
    (&text[..range.start], &text[range.end..])
}

fn to_modern_server(text: &str, read: &Envelope<'_>) {
    let envelope = request::with_level(&request::envelope_of(HELLO), "debug");
    let Ok(modern) = request::to_modern(text, read, &envelope) else { return };
    valid(&modern);
    let now = message::parse(&modern).expect("a message still");
    assert_eq!((now.id, &now.method), (read.id, &read.method), "{text}");
    let params = now.params.expect("parameters");
    let meta = value(params, "_meta").expect("one _meta");
    assert_eq!(value(meta, VERSION), Some("\"2026-07-28\""), "{modern}");
    assert_eq!(value(meta, CAPABILITIES), Some(r#"{"elicitation":{}}"#), "{modern}");
    let before = read.params.unwrap_or("{}");
    assert_eq!(rest(params, &["_meta"]), rest(before, &["_meta"]), "{text}");
    let said = value(before, "_meta").unwrap_or("{}");
    assert_eq!(rest(meta, &ENVELOPE), rest(said, &ENVELOPE), "{text}");
    if read.params.is_some() {
        assert_eq!(around(&modern, params), around(text, before), "{text}");
    }
    // There and back it is the same to the byte, if nothing was in the way; blanks before the first
    // member go with the one that was put there.
    let free = |object: &str, names: &[&str]| {
        let all = members(object).unwrap_or_default();
        !all.is_empty() && all.iter().all(|member| !names.contains(&&*member.name))
    };
    if free(before, &[&RETRY[..], &[TASK]].concat())
        && free(said, &ENVELOPE)
        && said.starts_with("{\"")
    {
        let back = request::to_legacy(&modern, &now).apply();
        assert_eq!(back, text);
    }
    retried(&modern, params);
}

fn retried(text: &str, params: &str) {
    let answers = [("k\"".to_owned(), r#"{"action":"decline"}"#.to_owned())];
    for (answers, state) in [(&answers[..], Some("\"s\"")), (&[], Some("\"s\"")), (&answers, None)]
    {
        let again = round::retry(text, params, answers, state).expect("an object");
        valid(&again);
        let now = message::parse(&again).expect("a message").params.expect("parameters");
        assert_eq!(rest(now, &RETRY), rest(params, &RETRY), "{text}");
        assert_eq!(value(now, "requestState"), state, "{text}");
        assert_eq!(value(now, "inputResponses").is_some(), !answers.is_empty(), "{text}");
    }
}

fn to_legacy_server(text: &str, read: &Envelope<'_>) {
    let Some(params) = read.params else { return };
    let legacy = request::to_legacy(text, read).apply();
    valid(&legacy);
    let now = message::parse(&legacy).expect("a message still");
    let after = now.params.expect("parameters");
    assert_eq!((now.id, &now.method), (read.id, &read.method), "{text}");
    assert_eq!(around(&legacy, after), around(text, params), "{text}");
    let names = [&RETRY[..], &["_meta", TASK]].concat();
    let tasks = |object| rest(object, &[]).iter().filter(|(name, _)| name == TASK).count();
    let may_be_task = MAY_BE_TASKS
        .iter()
        .any(|kind| read.method.split('/').next() == Some(*kind) && read.method.contains('/'));
    let stay = if may_be_task { 0 } else { tasks(params) };
    assert_eq!(tasks(after), stay, "{text}");
    assert_eq!(rest(after, &names), rest(params, &names), "{text}");
    assert!(
        RETRY.iter().all(|name| rest(after, &[]).iter().all(|(one, _)| one != name)),
        "{legacy}"
    );
    let metas = |object| -> Vec<_> {
        rest(object, &[])
            .into_iter()
            .filter(|(name, _)| name == "_meta")
            .map(|(_, meta)| meta)
            .collect()
    };
    assert_eq!(metas(after).len(), metas(params).len(), "{text}");
    for (after, before) in metas(after).into_iter().zip(metas(params)) {
        assert_eq!(rest(after, &[]), rest(before, &ENVELOPE), "{text}");
    }
}

fn notification(text: &str, read: &Envelope<'_>) {
    let Some(params) = read.params else { return };
    tagged(text, read, params);
    let untagged = subscription::untagged(text, params);
    valid(&untagged);
    let now = message::parse(&untagged).expect("a message").params.expect("parameters");
    assert_eq!(around(&untagged, now), around(text, params), "{text}");
    assert_eq!(rest(now, &["_meta"]), rest(params, &["_meta"]), "{text}");
    let tagged = value(params, "_meta").unwrap_or("{}");
    let meta = value(now, "_meta").unwrap_or("{}");
    assert_eq!(rest(meta, &[]), rest(tagged, &[SUBSCRIPTION]), "{text}");
}

/// A tagged notification has one tag more, and the tag can be replaced.
fn tagged(text: &str, read: &Envelope<'_>, before: &str) {
    let Some(tagged) = subscription::tagged(text, read, "\"s\"") else { return };
    let tagged = apply(tagged);
    let now = message::parse(&tagged).expect("a message");
    let params = now.params.expect("parameters");
    assert_eq!(around(&tagged, params), around(text, before), "{text}");
    assert_eq!(rest(params, &["_meta"]), rest(before, &["_meta"]), "{text}");
    let again = subscription::tagged(&tagged, &now, "\"s\"").expect("an object still");
    assert_eq!(apply(again), tagged, "{text}");
}

fn apply(edit: JsonEdit<'_>) -> String {
    let text = edit.apply();
    valid(&text);
    text
}

fn answer(text: &str, read: &Envelope<'_>, random: &mut Random) {
    if let Some(failure) = read.error {
        let modern = apply(failure::to_modern(text, failure));
        let now = message::parse(&modern).expect("a message").error.expect("an error");
        assert_eq!(rest(now, &["code"]), rest(failure, &["code"]), "{text}");
    }
    let Some(before) = read.result else { return };
    look_at(before);
    tasks::answer(text, before);
    let method = random.one_of(&["tools/list", "tools/call", "server/discover", "ping"]);
    let modern = apply(result::to_modern(text, before, method, Some(r#"{"name":"s"}"#)));
    let now = message::parse(&modern).expect("a message").result.expect("a result");
    assert_eq!(around(&modern, now), around(text, before), "{text}");
    assert_eq!(rest(now, &COMPLETION), rest(before, &COMPLETION), "{text}");
    if before.starts_with('{') {
        assert!(
            members(now).expect("an object").iter().any(|one| one.name == "resultType"),
            "{text}"
        );
        let said = value(before, "_meta").unwrap_or("{}");
        let meta = value(now, "_meta").unwrap_or("{}");
        if said.starts_with('{') {
            assert_eq!(rest(meta, &[SERVER_INFO]), rest(said, &[SERVER_INFO]), "{text}");
        }
    }
    let legacy = apply(result::to_legacy(text, before, method));
    let now = message::parse(&legacy).expect("a message").result.expect("a result");
    assert_eq!(around(&legacy, now), around(text, before), "{text}");
    let named = ["tools", "structuredContent"];
    assert_eq!(rest(now, &named), rest(before, &named), "{text}");
    if let Some(content) = value(now, "structuredContent").filter(|_| method == "tools/call") {
        assert!(content.starts_with('{'), "{legacy}");
    }
    if let Some(Ok(required)) = round::read(before) {
        for (request, id) in required.requests.iter().zip(1..) {
            let _declared = request.check(r#"{"elicitation":{"url":{}}}"#);
            valid(&request.to_client(id));
        }
    }
    if let Some(opened) = discover::handshake(before, "2025-06-18", "s") {
        valid(&opened);
        assert_eq!(value(&opened, "protocolVersion"), Some("\"2025-06-18\""), "{text}");
    }
    valid(&ServerInfo::new(before.to_owned()).discovered());
}
