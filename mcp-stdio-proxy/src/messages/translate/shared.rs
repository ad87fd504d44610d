//! Filtering of messages to and from a process that serves several users. It removes members that would tie
//! the process to one user, or give access to another user's state.

use gateway_contract::revision::Era;

use super::tasks::{TASK, undeclared};
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::Envelope;
use crate::messages::meta::{CAPABILITIES, RELATED_TASK};
use crate::messages::object::members;

/// Capabilities that a shared process cannot offer to a single user, since its log level applies to all.
const WITHHELD: [&str; 1] = ["logging"];
/// The tasks that a subscription refers to.
const TASK_IDS: &str = "taskIds";
/// Members of a retry by a client of 2026-07-28. Clients of earlier revisions have no use for them.
const RETRY: [&str; 2] = ["inputResponses", "requestState"];

/// Returns `result`, of `initialize` or `server/discover`, without the withheld capabilities.
#[must_use]
pub fn offered(result: &str) -> String {
    let all = members(result).unwrap_or_default();
    let capabilities = all.iter().filter(|member| member.name == "capabilities");
    let edit = JsonEdit::of(result);
    capabilities
        .fold(edit, |edit, one| edit.replace(one.value, undeclared(one.value, &WITHHELD)))
        .apply()
}

/// Returns the request `text` of a client of the era `clients` without the withheld members. Returns `None`
/// if nothing is to be removed.
#[must_use]
pub fn request(text: &str, read: &Envelope<'_>, clients: Era) -> Option<String> {
    let params = read.params?;
    let goes = |name: &str| name == TASK || (clients == Era::Legacy && RETRY.contains(&name));
    let all = members(params)?;
    let mut edit = JsonEdit::of(text).remove_members(&all, goes);
    for member in all.iter().filter(|member| !goes(&member.name)) {
        edit = match &*member.name {
            "_meta" => without_tasks(edit, member.value),
            "notifications" => edit.remove(member.value, |name| name == TASK_IDS),
            _ => edit,
        };
    }
    edit.changed()
}

/// Adds the changes that remove tasks from `meta`, the `_meta` of a request.
fn without_tasks<'a>(edit: JsonEdit<'a>, meta: &str) -> JsonEdit<'a> {
    let Some(all) = members(meta) else { return edit };
    let mut edit = edit.remove_members(&all, |name| name == RELATED_TASK);
    for declared in all.iter().filter(|member| member.name == CAPABILITIES) {
        let without_tasks = undeclared(declared.value, &[]);
        if without_tasks != declared.value {
            edit = edit.replace(declared.value, without_tasks);
        }
    }
    edit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::message::parse;

    fn sent(params: &str, clients: Era) -> String {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#);
        let sent = request(&text, &parse(&text).unwrap(), clients).unwrap_or(text);
        parse(&sent).unwrap().params.unwrap().to_owned()
    }

    #[test]
    fn a_process_of_all_offers_nothing_that_is_kept_for_one() {
        let result = r#"{"protocolVersion":"2025-11-25", "capabilities":{"tasks":{},"logging":{},"tools":{}},"x":1.0}"#;
        let want = r#"{"protocolVersion":"2025-11-25", "capabilities":{"tools":{}},"x":1.0}"#;
        assert_eq!(offered(result), want);
        assert_eq!(offered("{}"), "{}");
    }

    #[test]
    fn a_request_makes_no_task_and_names_none() {
        let call = r#"{"name":"a","task":{"ttl":1},"_meta":{"k":1,"io.modelcontextprotocol/related-task":{"taskId":"t"}},"arguments":{"task":1}}"#;
        let want = r#"{"name":"a","_meta":{"k":1},"arguments":{"task":1}}"#;
        assert_eq!(sent(call, Era::Legacy), want);
        let modern = r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{},"x":{}}}},"notifications":{"taskIds":["t"],"toolsListChanged":true}}"#;
        let want = r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"extensions":{"x":{}}}},"notifications":{"toolsListChanged":true}}"#;
        assert_eq!(sent(modern, Era::Modern), want);
    }

    #[test]
    fn a_client_without_rounds_brings_no_state_and_any_other_request_stays_as_it_was() {
        let retry = r#"{"requestState":"s","inputResponses":{},"name":"a"}"#;
        assert_eq!(sent(retry, Era::Legacy), r#"{"name":"a"}"#);
        assert_eq!(sent(retry, Era::Modern), retry);
        for same in ["{}", r#"{ "_meta": {"k" : 1}, "notifications": {"toolsListChanged":true} }"#]
        {
            assert_eq!(sent(same, Era::Legacy), same);
        }
    }
}
