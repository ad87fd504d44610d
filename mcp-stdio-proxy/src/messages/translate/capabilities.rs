//! Translation of client capabilities, which modern clients declare in each request and legacy ones in
//! `initialize` (MCP "Capability Negotiation").

use super::tasks::undeclared;
use crate::messages::json_edit::JsonEdit;
use crate::messages::object::members;

/// Translates the capabilities of a modern client for `initialize`. Modern clients cannot announce changed
/// roots, and their tasks differ from legacy tasks.
#[must_use]
pub fn to_legacy(declared: &str) -> String {
    let declared = &*undeclared(declared, &[]);
    let all = members(declared).unwrap_or_default();
    let roots = all.iter().filter(|member| member.name == "roots");
    let edit = JsonEdit::of(declared);
    roots.fold(edit, |edit, roots| edit.remove(roots.value, |name| name == "listChanged")).apply()
}

/// Translates the capabilities of a legacy client for each of its requests. The same restrictions on roots
/// and tasks apply.
#[must_use]
pub fn to_modern(declared: &str) -> String {
    to_legacy(declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_era_means_is_not_declared_to_the_other() {
        let declared = r#"{"tasks":{},"roots":{"listChanged":true,"x":1},"elicitation":{"url":{}},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
        assert_eq!(
            to_legacy(declared),
            r#"{"roots":{"x":1},"elicitation":{"url":{}},"extensions":{}}"#
        );
        assert_eq!(to_legacy("7"), "{}");
    }
}
