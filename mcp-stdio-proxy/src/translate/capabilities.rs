//! What a client can do, as modern clients declare it in each request and legacy ones in `initialize`
//! (MCP "Capability Negotiation").

use super::tasks::undeclared;
use crate::protocol::object::{Edit, members, without};
use crate::protocol::splice::{line, span};

/// What a modern client declares, for `initialize`: its roots can no longer say that they changed, and
/// tasks are another thing than they were.
#[must_use]
pub fn to_legacy(declared: &str) -> String {
    let declared = &*undeclared(declared, &[]);
    let edits = || -> Option<Vec<Edit>> {
        let all = members(declared)?;
        let mut edits = Vec::new();
        for roots in all.iter().filter(|member| member.name == "roots") {
            let Some(inner) = members(roots.value) else { continue };
            let offset = span(declared, roots.value)?.start;
            edits.extend(without(&inner, offset, |name| name != "listChanged"));
        }
        Some(edits)
    };
    let Some(mut edits) = edits() else { return "{}".to_owned() };
    let line = line(declared, &mut edits);
    String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
}

/// What a legacy client has declared in `initialize`, for each of its requests: of roots and tasks the
/// same holds.
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
