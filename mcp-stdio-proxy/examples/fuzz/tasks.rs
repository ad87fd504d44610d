//! Properties of the functions on tasks: of the requests that create them, of the answers, and of their removal for
//! clients and processes without tasks.

use std::borrow::Cow;
use std::time::Duration;

use gateway_contract::revision::Era;
use mcp_stdio_proxy::messages::message::{self, Envelope};
use mcp_stdio_proxy::messages::meta::{CAPABILITIES, RELATED_TASK};
use mcp_stdio_proxy::messages::object::{members, value};
use mcp_stdio_proxy::messages::translate::task_call::{self, Next};
use mcp_stdio_proxy::messages::translate::{request, shared, tasks};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::properties::{around, rest, valid};
use crate::random::Random;

const TASK: &str = "task";
/// The capability and the extension.
const DECLARED: [&str; 2] = ["tasks", "extensions"];
const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// The statuses of a task whose result can be requested.
const OVER: [&str; 4] = ["input_required", "completed", "failed", "cancelled"];

/// Checks messages with tasks, which are rare among random ones.
pub(crate) fn check(random: &mut Random) {
    let task = task(random);
    let created = random.around(TASK, &task);
    let meta = random.around(RELATED_TASK, &task);
    let related = random.around("_meta", &meta);
    for part in [&task, &created, &related] {
        look_at(part);
    }
    let response = format!(r#"{{"result":{related},"jsonrpc":"2.0","id":"a"}}"#);
    answer(&response, message::parse(&response).expect("a response").result.expect("a result"));
    for params in [related, created] {
        let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        request(&call, &message::parse(&call).expect("a request"));
    }
}

/// Returns a random task, as `tasks/get` returns it.
fn task(random: &mut Random) -> String {
    const STATES: [&str; 5] =
        ["\"working\"", "\"input_required\"", "\"completed\"", "\"failed\"", "\"cancelled\""];
    let mut members = Vec::new();
    for name in ["taskId", "status", "pollInterval", "ttl"] {
        let value = match name {
            _ if random.chance(10) => random.value(1),
            "taskId" => random.string(),
            "status" => random.one_of(&STATES).to_owned(),
            _ => random.one_of(&["0", "250", "1.5e3", "1e400", "-1", "null"]).to_owned(),
        };
        if random.chance(90) {
            members.push(format!("\"{name}\":{value}"));
        }
    }
    random.shuffled(members)
}

/// Checks that readers agree with a reader of the whole text, and that a second removal changes nothing.
pub(crate) fn look_at(text: &str) {
    let read = |part: &str| serde_json::from_str::<Value>(part).ok();
    let (created, next) = (task_call::created(text), task_call::next(text));
    let (related, is_task) = (task_call::related(text), tasks::is_task(text));
    // Some numbers are out of its range.
    if let Some(whole) = read(text) {
        if let Some((id, next)) = created {
            assert_eq!(read(id).as_ref(), Some(&whole[TASK]["taskId"]), "{text}");
            assert!(id.starts_with('"'), "{text}");
            is_next(next, &whole[TASK]);
        }
        if let Some(next) = next {
            is_next(next, &whole);
        }
        if let Some(id) = related {
            let meta = &whole["_meta"];
            assert_eq!(read(id).as_ref(), Some(&meta[RELATED_TASK]["taskId"]), "{text}");
        }
        assert!(!is_task || whole["resultType"] == TASK, "{text}");
    }
    undeclared(text);
    let offered = shared::offered(text);
    assert_eq!(shared::offered(&offered), offered, "{text}");
    assert_eq!(rest(&offered, &["capabilities"]), rest(text, &["capabilities"]), "{text}");
}

fn is_next(next: Next, task: &Value) {
    let status = task["status"].as_str().expect("a status");
    assert_eq!(next == Next::Result, OVER.contains(&status), "{task}");
    if let Next::Wait(pause) = next {
        assert!((100..=30_000).contains(&pause.as_millis()), "{task}");
    }
}

fn undeclared(text: &str) {
    let less = tasks::undeclared(text, &[]);
    if serde_json::from_str::<&RawValue>(text).is_err() {
        return;
    }
    valid(&less);
    assert_eq!(tasks::undeclared(&less, &[]), less, "{text}");
    assert_eq!(rest(&less, &DECLARED), rest(text, &DECLARED), "{text}");
    let names = ("extensions", &[EXTENSION][..]);
    assert_eq!(inside(&less, names), inside(text, names), "{text}");
    assert!(rest(&less, &[]).iter().all(|(name, _)| name != "tasks"), "{text}");
}

/// The members of each member `name`, without `names`.
fn inside<'a>(
    object: &'a str,
    (name, names): (&str, &[&str]),
) -> Vec<Vec<(Cow<'a, str>, &'a str)>> {
    let parts = rest(object, &[]).into_iter().filter(|(one, _)| one == name);
    parts.map(|(_, part)| rest(part, names)).collect()
}

/// Checks a request that becomes a task, and one without the parameters that make it one.
pub(crate) fn request(text: &str, read: &Envelope<'_>) {
    as_task(text);
    as_task(&request::to_legacy(text, read).apply());
    let Some(params) = read.params else { return };
    let has_task = |params: &str| rest(params, &[]).iter().any(|(name, _)| name == TASK);
    let without = tasks::without_task(text, read);
    assert_eq!(without.is_some(), has_task(params), "{text}");
    if let Some(without) = without {
        valid(&without);
        let now = message::parse(&without).expect("a message still");
        let after = now.params.expect("parameters");
        assert_eq!(around(&without, after), around(text, params), "{text}");
        assert_eq!(rest(after, &[]), rest(params, &[TASK]), "{text}");
        assert_eq!(tasks::without_task(&without, &now), None, "{text}");
    }
    for clients in [Era::Legacy, Era::Modern] {
        let Some(less) = shared::request(text, read, clients) else { continue };
        valid(&less);
        let now = message::parse(&less).expect("a message still");
        let after = now.params.expect("parameters");
        let names = [TASK, "_meta", "notifications", "inputResponses", "requestState"];
        assert_eq!(around(&less, after), around(text, params), "{text}");
        assert_eq!(rest(after, &names), rest(params, &names), "{text}");
        assert!(!has_task(after), "{text}");
        for names in
            [("_meta", &[RELATED_TASK, CAPABILITIES][..]), ("notifications", &["taskIds"][..])]
        {
            assert_eq!(inside(after, names), inside(params, names), "{text}");
        }
        assert_eq!(shared::request(&less, &now, clients), None, "{text}");
    }
}

/// A request that becomes a task has the parameter `task` more, and is the same without it again.
fn as_task(text: &str) {
    let read = message::parse(text).expect("a request");
    let line = task_call::as_task(text.as_bytes(), Duration::from_secs(2));
    let is_object = read.params.is_some_and(|params| members(params).is_some());
    assert_eq!(line.is_some(), is_object, "{text}");
    let Some(line) = line else { return };
    let line = std::str::from_utf8(&line).expect("UTF-8");
    let made = line.strip_suffix('\n').expect("a line");
    assert!(!made.contains(['\n', '\r']), "{text}");
    // A line has no breaks, which JSON has only between tokens.
    let text = text.trim_end().replace(['\n', '\r'], " ");
    let (read, now) = (message::parse(&text).expect("a request"), message::parse(made));
    let now = now.expect("a request still");
    let (before, after) = (read.params.expect("parameters"), now.params.expect("parameters"));
    assert_eq!((now.id, &now.method), (read.id, &read.method), "{text}");
    assert_eq!(around(made, after), around(&text, before), "{text}");
    let all = rest(after, &[]);
    assert_eq!(all[0], (TASK.into(), r#"{"ttl":2000}"#), "{text}");
    assert_eq!(all[1..], rest(before, &[]), "{text}");
    if all[1..].iter().all(|(name, _)| name != TASK) && before.starts_with("{\"") {
        assert_eq!(tasks::without_task(made, &now).as_deref(), Some(&*text));
    }
}

/// Checks an answer whose related task is removed.
pub(crate) fn answer(text: &str, before: &str) {
    let Some(meta) = value(before, "_meta") else { return };
    let names_task = rest(meta, &[]).iter().any(|(name, _)| name == RELATED_TASK);
    let unrelated = task_call::unrelated(text, before);
    assert_eq!(unrelated.is_some(), names_task, "{text}");
    let Some(unrelated) = unrelated else { return };
    valid(&unrelated);
    let now = message::parse(&unrelated).expect("a message still").result.expect("a result");
    assert_eq!(around(&unrelated, now), around(text, before), "{text}");
    assert_eq!(rest(now, &["_meta"]), rest(before, &["_meta"]), "{text}");
    let after = value(now, "_meta").expect("one _meta");
    assert_eq!(rest(after, &[]), rest(meta, &[RELATED_TASK]), "{text}");
    assert_eq!(task_call::related(now), None, "{text}");
    assert_eq!(task_call::unrelated(&unrelated, now), None, "{text}");
}
