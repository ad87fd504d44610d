//! Translation of client capabilities, which modern clients declare in each request and legacy ones in
//! `initialize` (MCP "Capability Negotiation").

use super::tasks::undeclared;
use crate::messages::object::{Edit, members, without};
use crate::messages::splice::{line, span};

/// Translates the capabilities of a modern client for `initialize`. Modern clients cannot announce changed
/// roots, and their tasks differ from legacy tasks.
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
