//! Which tools of a server a client sees and may call (MCP "Tools", `tools/list`, `tools/call`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::message::Envelope;
use crate::protocol::splice::{line, span};

/// The rules of a server. A pattern is a name in which `*` stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Stated")]
pub struct ToolRules {
    /// If not empty, only these.
    allow: Vec<String>,
    /// Never these.
    deny: Vec<String>,
    /// These only for those who have the scope.
    scopes: BTreeMap<String, String>,
}

/// As written: a list of what is allowed, or the rules in full.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stated {
    Allowed(Vec<String>),
    Rules {
        #[serde(default)]
        allow: Vec<String>,
        #[serde(default)]
        deny: Vec<String>,
        #[serde(default)]
        scopes: BTreeMap<String, String>,
    },
}

impl From<Stated> for ToolRules {
    fn from(stated: Stated) -> Self {
        match stated {
            Stated::Allowed(allow) => Self { allow, ..Self::default() },
            Stated::Rules { allow, deny, scopes } => Self { allow, deny, scopes },
        }
    }
}

/// The rules for one client, with the scopes it has.
pub struct ToolView {
    entry: Arc<super::Entry>,
    scopes: String,
}

impl ToolView {
    /// The view of a client with `scopes`, which are separated by blanks; `None` without rules.
    #[must_use]
    pub fn new(entry: &Arc<super::Entry>, scopes: &str) -> Option<Arc<Self>> {
        entry.tools.as_ref()?;
        Some(Arc::new(Self { entry: Arc::clone(entry), scopes: scopes.to_owned() }))
    }

    /// Whether the client may use the tool `name`.
    #[must_use]
    pub fn permits(&self, name: &str) -> bool {
        let Some(rules) = &self.entry.tools else { return true };
        let allowed = rules.allow.is_empty() || rules.allow.iter().any(|one| matches(one, name));
        let mut needed = rules.scopes.iter().filter(|(pattern, _)| matches(pattern, name));
        allowed
            && !rules.deny.iter().any(|one| matches(one, name))
            && needed.all(|(_, scope)| self.scopes.split(' ').any(|has| has == scope))
    }

    /// The answer to `tools/list` without the tools that are not for this client, and with the
    /// client's id; `None` if it is an error or not of that shape.
    #[must_use]
    pub fn shown(&self, text: &str, envelope: &Envelope<'_>, id: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct List<'a> {
            #[serde(borrow)]
            tools: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Whole<'a> {
            #[serde(borrow)]
            tools: &'a RawValue,
        }
        #[derive(Deserialize)]
        struct Tool {
            name: String,
        }
        let result = envelope.result?;
        let list: List<'_> = serde_json::from_str(result).ok()?;
        let whole: Whole<'_> = serde_json::from_str(result).ok()?;
        let named = |raw: &str| serde_json::from_str::<Tool>(raw).ok().map(|tool| tool.name);
        let kept: Vec<&str> = list
            .tools
            .into_iter()
            .map(RawValue::get)
            .filter(|raw| named(raw).is_some_and(|name| self.permits(&name)))
            .collect();
        let tools = (span(text, whole.tools.get())?, format!("[{}]", kept.join(",")));
        let line = line(text, &mut [tools, (span(text, envelope.id)?, id.to_owned())]);
        std::str::from_utf8(line.trim_ascii_end()).map(str::to_owned).ok()
    }
}

/// Whether `name` is what `pattern` describes.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(head) else { return false };
    rest.is_empty()
        || (0..=name.len()).any(|at| name.get(at..).is_some_and(|end| matches(rest, end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Entry;
    use crate::protocol::message::parse;

    fn view(rules: &str, scopes: &str) -> Arc<ToolView> {
        let mut entry = Entry::of_command("x".into(), vec![]);
        entry.tools = Some(serde_json::from_str(rules).unwrap());
        ToolView::new(&Arc::new(entry), scopes).unwrap()
    }

    #[test]
    fn a_pattern_may_have_stars_anywhere() {
        assert!(matches("read_*", "read_file") && matches("*", "") && matches("a*c*e", "abcde"));
        assert!(!matches("read_*", "write_file") && !matches("read", "reader"));
        assert!(!matches("a*c", "ab"));
    }

    #[test]
    fn allow_deny_and_scopes_hold_together() {
        let rules =
            r#"{"allow": ["read_*", "write"], "deny": ["read_secret"], "scopes": {"write": "w"}}"#;
        let (plain, writer) = (view(rules, "x"), view(rules, "x w"));
        assert!(plain.permits("read_file") && !plain.permits("read_secret"));
        assert!(!plain.permits("write") && writer.permits("write"));
        assert!(!writer.permits("other"));
        assert!(view(r#"["a"]"#, "").permits("a") && !view(r#"["a"]"#, "").permits("b"));
    }

    #[test]
    fn a_list_keeps_everything_else_as_it_was() {
        let text = r#"{"jsonrpc":"2.0","id":5,"result":{"x":1.0,"tools":[{"name":"a","y":[1]},{"name":"b"},{}],"nextCursor":"c"}}"#;
        let shown = view(r#"["a"]"#, "").shown(text, &parse(text).unwrap(), "\"q\"").unwrap();
        let want = r#"{"jsonrpc":"2.0","id":"q","result":{"x":1.0,"tools":[{"name":"a","y":[1]}],"nextCursor":"c"}}"#;
        assert_eq!(shown, want);
    }
}
