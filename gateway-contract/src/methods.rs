//! The methods of MCP that the gateway knows by name.

use Spelling::{Any, Exact};

/// The method that runs a tool.
pub const CALL_TOOL: &str = "tools/call";

/// A method of MCP.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// The name of the method.
    pub name: &'static str,
    /// The parameter whose value `Mcp-Name` repeats (MCP 2026-07-28, "Request Metadata").
    pub named_by: Option<&'static str>,
    /// The treatment of names that resemble this one.
    pub spelling: Spelling,
}

/// The treatment of names that resemble the name of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// A similar name is rejected. A server that takes it for this method would bypass the rules of tools, or
    /// the gateway's own answer.
    Exact,
    /// A similar name is passed on.
    Any,
}

/// All methods that the gateway knows, sorted by name.
pub const METHODS: [Method; 24] = [
    method("completion/complete", None, Exact),
    method("initialize", None, Exact),
    method("logging/setLevel", None, Exact),
    method("notifications/cancelled", None, Exact),
    method("notifications/initialized", None, Exact),
    method("notifications/progress", None, Exact),
    method("notifications/tasks/status", None, Exact),
    method("ping", None, Any),
    method("prompts/get", Some("name"), Any),
    method("prompts/list", None, Any),
    method("resources/list", None, Any),
    method("resources/read", Some("uri"), Any),
    method("resources/subscribe", None, Exact),
    method("resources/templates/list", None, Any),
    method("resources/unsubscribe", None, Exact),
    method("server/discover", None, Exact),
    method("subscriptions/listen", None, Exact),
    // "MUST set the Mcp-Name header to params.taskId" (extension "tasks").
    method("tasks/cancel", Some("taskId"), Exact),
    method("tasks/get", Some("taskId"), Exact),
    method("tasks/list", None, Exact),
    method("tasks/result", None, Exact),
    method("tasks/update", Some("taskId"), Exact),
    method(CALL_TOOL, Some("name"), Exact),
    method("tools/list", None, Exact),
];

const fn method(name: &'static str, named_by: Option<&'static str>, spelling: Spelling) -> Method {
    Method { name, named_by, spelling }
}

/// Returns the method `name`, or `None` if the gateway does not know it.
#[must_use]
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// Returns the parameter of the method `name` whose value `Mcp-Name` repeats.
#[must_use]
pub fn named_by(name: &str) -> Option<&'static str> {
    find(name)?.named_by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_is_listed_once() {
        assert!(METHODS.is_sorted_by(|one, other| one.name < other.name));
    }
}
