//! Tasks, where they are not passed on: those of 2025-11-25 and the extension of 2026-07-28 are not the
//! same, and in a process that serves several users nobody's are safe (2025-11-25 "Tasks", "Security").

use crate::messages::json_edit::JsonEdit;
use crate::messages::message::Envelope;
use crate::messages::object::{may_say, members, value};

/// The capability of 2025-11-25.
const CAPABILITY: &str = "tasks";
/// The extension of 2026-07-28.
const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The methods of both.
pub const METHODS: &str = "tasks/";

/// The parameter that makes a task of a request in 2025-11-25.
pub(super) const TASK: &str = "task";

/// Returns `true` if `name` is a parameter of `method` that makes a task of the request in 2025-11-25, where any
/// request of the specification may become one.
#[must_use]
pub fn makes_task(name: &str, method: &str) -> bool {
    const KINDS: [&str; 4] = ["tools/", "prompts/", "resources/", "completion/"];
    name == TASK && KINDS.iter().any(|kind| method.starts_with(kind))
}

/// Returns the request `text` without the parameter that makes a task of it; `None` if it has none.
#[must_use]
pub fn without_task(text: &str, read: &Envelope<'_>) -> Option<String> {
    JsonEdit::of(text).remove(read.params?, |name| name == TASK).changed()
}

/// Returns `true` if `result` is a task of 2026-07-28 instead of the result.
#[must_use]
pub fn is_task(result: &str) -> bool {
    may_say(result, "task")
        && value(result, "resultType")
            .and_then(|kind| serde_json::from_str::<String>(kind).ok())
            .is_some_and(|kind| kind == "task")
}

/// Returns `capabilities`, of a client or a server, without tasks and without the members `others`.
/// Returns an empty object if they are not an object.
#[must_use]
pub fn undeclared(capabilities: &str, others: &[&str]) -> String {
    let Some(all) = members(capabilities) else { return "{}".to_owned() };
    let edit = JsonEdit::of(capabilities)
        .remove_members(&all, |name| name == CAPABILITY || others.contains(&name));
    let extensions = all.iter().filter(|member| member.name == "extensions");
    extensions.fold(edit, |edit, one| edit.remove(one.value, |name| name == EXTENSION)).apply()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::message::parse;

    #[test]
    fn neither_kind_of_tasks_is_declared_and_all_else_is() {
        let declared = r#"{"tasks":{"list":{}},"extensions":{"io.modelcontextprotocol\/tasks":{},"com.example/x": 1.0},"logging":{},"tools":{}}"#;
        let want = r#"{"extensions":{"com.example/x": 1.0},"logging":{},"tools":{}}"#;
        assert_eq!(undeclared(declared, &[]), want);
        let want = r#"{"extensions":{"com.example/x": 1.0},"tools":{}}"#;
        assert_eq!(undeclared(declared, &["logging"]), want);
        assert_eq!(undeclared("7", &[]), "{}");
    }

    #[test]
    fn a_request_without_its_task_is_what_it_was() {
        let without = |params: &str| {
            let text = format!(r#"{{"id":1,"jsonrpc":"2.0","method":"tools/list"{params}}}"#);
            without_task(&text, &parse(&text).unwrap())
        };
        let want = r#"{"id":1,"jsonrpc":"2.0","method":"tools/list","params":{"cursor":"c"}}"#;
        let task = r#","params":{"cursor":"c","task":{"ttl":1}}"#;
        assert_eq!(without(task).as_deref(), Some(want));
        for none in ["", r#","params":{}"#, r#","params":{"_meta":{"task":1}}"#] {
            assert_eq!(without(none), None, "{none}");
        }
    }

    #[test]
    fn a_task_is_told_by_the_type_of_the_result() {
        assert!(is_task(r#"{"taskId":"t","resultType":"task"}"#));
        assert!(is_task(r#"{"resultType":"t\u0061sk"}"#));
        assert!(!is_task(r#"{"resultType":"complete","task":{"resultType":"task"}}"#));
        assert!(makes_task("task", "tools/call") && makes_task("task", "prompts/get"));
        assert!(!makes_task("task", "com.example/x") && !makes_task("name", "tools/call"));
    }
}
