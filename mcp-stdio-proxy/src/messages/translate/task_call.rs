//! Tools of 2025-11-25 that run only as tasks, for clients of 2026-07-28: the request that creates a task, and the
//! answers of the server (2025-11-25 "Tasks").

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;

use super::tasks::TASK;
use crate::messages::array;
use crate::messages::json_edit::JsonEdit;
use crate::messages::message;
use crate::messages::meta::RELATED_TASK;
use crate::messages::object::{may_say, value};

/// The capability of a server that runs tools as tasks, as a pointer into its capabilities.
pub const CALLS: &str = "/tasks/requests/tools/call";
/// The capability of a server whose tasks can be cancelled.
pub const CANCEL: &str = "/tasks/cancel";

/// The maximum length of the id of a task.
const LONGEST_ID: usize = 4096;
/// The maximum number of tools that are recorded. Others are tried without a task first.
const TOOLS: usize = 4096;
/// The poll interval if the server states none.
const INTERVAL: Duration = Duration::from_secs(1);
/// The minimum poll interval.
const SHORTEST: Duration = Duration::from_millis(100);
/// The maximum poll interval.
const LONGEST: Duration = Duration::from_secs(30);

/// The tools of a list that must be called as tasks.
#[derive(Debug, Default)]
pub struct TaskTools {
    required: HashSet<String>,
    /// `true` if the list was read to its end.
    is_whole: bool,
}

impl TaskTools {
    /// Adds the tools of a page of `tools/list`.
    pub fn add(&mut self, result: &str) {
        let required = &mut self.required;
        let tools = value(result, "tools").unwrap_or("[]");
        let read = array::each(tools, |tool| {
            required.extend(name_of_required(tool));
            required.len() < TOOLS
        });
        let has_more = value(result, "nextCursor").is_some_and(|cursor| cursor != "null");
        self.is_whole = read.is_some() && required.len() < TOOLS && !has_more;
    }

    /// Returns `true` if the tool `name` must be called as a task; `None` if that is not known.
    #[must_use]
    pub fn need(&self, name: &str) -> Option<bool> {
        let is_required = self.required.contains(name);
        (is_required || self.is_whole).then_some(is_required)
    }
}

fn name_of_required(tool: &str) -> Option<String> {
    let support = value(value(tool, "execution")?, "taskSupport")?;
    let is_required = serde_json::from_str::<String>(support).ok()? == "required";
    is_required.then(|| serde_json::from_str(value(tool, "name")?).ok()).flatten()
}

/// Returns the request `line` as one that creates a task, which the server keeps for `ttl`.
#[must_use]
pub fn as_task(line: &[u8], ttl: Duration) -> Option<Bytes> {
    let text = std::str::from_utf8(line).ok()?.trim_end();
    let params = message::parse(text).ok()?.params?;
    let task = format!(r#""{TASK}":{{"ttl":{}}}"#, ttl.as_millis());
    let edit = JsonEdit::of(text).insert(params, &task);
    (!edit.is_empty()).then(|| edit.input())
}

/// The next step for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The task is running, and is polled again after this time.
    Wait(Duration),
    /// The task has ended, or needs input, which the server requests during `tasks/result`.
    Result,
}

/// Returns the id of the task that `result`, a `CreateTaskResult`, describes, as JSON text.
#[must_use]
pub fn created(result: &str) -> Option<(&str, Next)> {
    let task = value(result, TASK)?;
    let id = value(task, "taskId").filter(|id| id.starts_with('"') && id.len() <= LONGEST_ID)?;
    Some((id, next(task)?))
}

/// Returns the next step for `task`, the result of `tasks/get`. Returns `None` if it has no status.
#[must_use]
pub fn next(task: &str) -> Option<Next> {
    let status: String = serde_json::from_str(value(task, "status")?).ok()?;
    if ["input_required", "completed", "failed", "cancelled"].contains(&&*status) {
        return Some(Next::Result);
    }
    let named = value(task, "pollInterval").and_then(|text| text.parse::<f64>().ok());
    let named = named.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    Some(Next::Wait(named.unwrap_or(INTERVAL).clamp(SHORTEST, LONGEST)))
}

/// Returns the id of the task that a request of the server with `params` is related to, as JSON text.
#[must_use]
pub fn related(params: &str) -> Option<&str> {
    let meta = may_say(params, "related-task").then(|| value(params, "_meta")).flatten()?;
    value(value(meta, RELATED_TASK)?, "taskId")
}

/// Removes the related task from the answer `text` with the result `result`, since clients of 2026-07-28 have no such
/// task. Returns `None` if it names none.
#[must_use]
pub fn unrelated(text: &str, result: &str) -> Option<String> {
    if !may_say(result, "related-task") {
        return None;
    }
    let meta = value(result, "_meta")?;
    JsonEdit::of(text).remove(meta, |name| name == RELATED_TASK).changed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_needs_a_task_if_the_list_says_so() {
        let page = |more: &str| {
            format!(
                r#"{{"tools":[{{"name":"a","execution":{{"taskSupport":"required"}}}},
                {{"name":"b","execution":{{"taskSupport":"optional"}}}},{{"name":"c"}},7]{more}}}"#
            )
        };
        let mut tools = TaskTools::default();
        tools.add(&page(r#","nextCursor":"x""#));
        assert_eq!((tools.need("a"), tools.need("b")), (Some(true), None));
        tools.add(r#"{"tools":[]}"#);
        assert_eq!((tools.need("a"), tools.need("b")), (Some(true), Some(false)));
        tools.add(r#"{"tools":{}}"#);
        assert_eq!(tools.need("c"), None, "a list that cannot be read");
    }

    #[test]
    fn a_request_becomes_a_task_and_keeps_all_else() {
        let task = |params: &str| {
            let text =
                format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"{params}}}\n");
            as_task(text.as_bytes(), Duration::from_secs(2))
                .map(|line| String::from_utf8(line.to_vec()).unwrap())
        };
        let want = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"task\":{\"ttl\":2000},\"name\": \"a\"}}\n";
        assert_eq!(task(r#","params":{"name": "a"}"#).as_deref(), Some(want));
        assert_eq!(task(""), None);
    }

    #[test]
    fn the_state_of_a_task_says_what_is_next() {
        let wait = |ms| Some(Next::Wait(Duration::from_millis(ms)));
        let of = |rest: &str| next(&format!(r#"{{"status":"working"{rest}}}"#));
        assert_eq!(of(""), wait(1000));
        assert_eq!(of(r#","pollInterval":250"#), wait(250));
        assert_eq!(of(r#","pollInterval":0"#), wait(100));
        assert_eq!(of(r#","pollInterval":1e9"#), wait(30_000));
        for odd in ["-1", "1e400", "\"5\"", "null"] {
            assert_eq!(of(&format!(r#","pollInterval":{odd}"#)), wait(1000), "{odd}");
        }
        for over in ["input_required", "completed", "failed", "cancelled"] {
            assert_eq!(next(&format!(r#"{{"status":"{over}"}}"#)), Some(Next::Result));
        }
        assert_eq!(next("{}"), None);
        let task = r#"{"task":{"taskId":"t\u0031","status":"completed"}}"#;
        assert_eq!(created(task), Some((r#""t\u0031""#, Next::Result)));
        assert_eq!(created(r#"{"task":{"taskId":1,"status":"working"}}"#), None);
        assert_eq!(created(r#"{"content":[]}"#), None);
    }

    #[test]
    fn a_result_no_longer_names_its_task() {
        let told = |meta: &str| {
            let text = format!(r#"{{"id":1,"result":{{"content":[ ],"_meta":{meta}}}}}"#);
            let result = text.get(17..text.len() - 1).unwrap();
            unrelated(&text, result)
        };
        let want = r#"{"id":1,"result":{"content":[ ],"_meta":{"k": 1}}}"#;
        let named = r#"{"io.modelcontextprotocol/related-task":{"taskId":"t"},"k": 1}"#;
        assert_eq!(told(named).as_deref(), Some(want));
        assert_eq!(told(r#"{"k":1}"#), None);
        assert_eq!(related(&format!(r#"{{"_meta":{named}}}"#)), Some(r#""t""#));
        assert_eq!(related(&format!(r#"{{"_meta":{{"k":{named}}}}}"#)), None);
    }
}
