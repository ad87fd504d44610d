//! Which tools of a server a client sees and may call (MCP "Tools", `tools/list`, `tools/call`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateway_contract::spelling::caseless;
use gateway_contract::tool_pattern::{CaselessPattern, matches};
use serde::Deserialize;

use crate::protocol::array;
use crate::protocol::error;
use crate::protocol::message::Envelope;
use crate::protocol::object;
use crate::protocol::splice::{line, span};

/// The rules of a server. A pattern is a name in which `*` stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Stated")]
pub struct ToolRules {
    /// If not empty, only these.
    allow: Vec<String>,
    /// Never these.
    deny: Vec<CaselessPattern>,
    /// These only for those who have the scope.
    scopes: Vec<(CaselessPattern, String)>,
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
            Stated::Rules { allow, deny, scopes } => Self {
                allow,
                deny: deny.into_iter().map(Into::into).collect(),
                scopes: scopes.into_iter().map(|(one, scope)| (one.into(), scope)).collect(),
            },
        }
    }
}

/// What the rules say of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client may use it.
    Permitted,
    /// For this client there is no such tool.
    Hidden,
    /// It may be used with these scopes: those the client has, and those it lacks.
    NeedsScopes(String),
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
        self.verdict(name) == Verdict::Permitted
    }

    /// What the rules say of the tool `name`.
    #[must_use]
    pub fn verdict(&self, name: &str) -> Verdict {
        let Some(rules) = &self.entry.tools else { return Verdict::Permitted };
        let allowed = rules.allow.is_empty() || rules.allow.iter().any(|one| matches(one, name));
        let folded = caseless(name);
        if !allowed || rules.deny.iter().any(|one| one.covers(name, &folded)) {
            return Verdict::Hidden;
        }
        let needed = rules.scopes.iter().filter(|(pattern, _)| pattern.covers(name, &folded));
        let held: BTreeSet<&str> = self.scopes.split(' ').filter(|one| !one.is_empty()).collect();
        let all: BTreeSet<&str> =
            needed.map(|(_, scope)| scope.as_str()).chain(held.clone()).collect();
        if all == held {
            return Verdict::Permitted;
        }
        Verdict::NeedsScopes(all.into_iter().collect::<Vec<_>>().join(" "))
    }

    /// Returns the answer to `tools/list` without the tools that are not for this client, and with the
    /// client's id; `None` if it lists nothing. A list that cannot be read is not shown.
    #[must_use]
    pub fn shown(&self, text: &str, envelope: &Envelope<'_>, id: &str) -> Option<String> {
        let result = envelope.result?;
        let all = object::members(result);
        if all.is_some_and(|all| all.iter().all(|member| member.name != "tools")) {
            return None;
        }
        let shown = || {
            let all = object::value(result, "tools")?;
            let tools = (span(text, all)?, self.permitted(all)?);
            let line = line(text, &mut [tools, (span(text, envelope.id)?, id.to_owned())]);
            std::str::from_utf8(line.trim_ascii_end()).map(str::to_owned).ok()
        };
        let unreadable = || error::answer(id, error::INTERNAL, "the list of tools cannot be read");
        Some(shown().unwrap_or_else(unreadable))
    }

    /// Returns the text of the array `tools` with those alone that the client may use.
    fn permitted(&self, tools: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Tool {
            name: String,
        }
        let named = |raw: &str| serde_json::from_str::<Tool>(raw).ok().map(|tool| tool.name);
        let mut kept = String::from("[");
        array::each(tools, |tool| {
            if named(tool).is_some_and(|name| self.permits(&name)) {
                if kept.len() > 1 {
                    kept.push(',');
                }
                kept.push_str(tool);
            }
            true
        })?;
        kept.push(']');
        Some(kept)
    }
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
    fn allow_deny_and_scopes_hold_together() {
        let rules =
            r#"{"allow": ["read_*", "write"], "deny": ["read_secret"], "scopes": {"write": "w"}}"#;
        let (plain, writer) = (view(rules, "x"), view(rules, "x w"));
        assert!(plain.permits("read_file") && !plain.permits("read_secret"));
        assert!(!plain.permits("write") && writer.permits("write"));
        assert!(!writer.permits("other"));
        assert_eq!(plain.verdict("write"), Verdict::NeedsScopes("w x".into()));
        assert_eq!(plain.verdict("read_secret"), Verdict::Hidden);
        assert!(view(r#"["a"]"#, "").permits("a") && !view(r#"["a"]"#, "").permits("b"));
    }

    #[test]
    fn what_is_refused_is_refused_in_capital_letters_too_and_what_is_allowed_is_not_allowed() {
        let rules = r#"{"deny": ["delete_*"], "scopes": {"Write": "w"}}"#;
        let plain = view(rules, "");
        for name in ["DELETE_all", "Delete_All", "delete_\u{17f}"] {
            assert_eq!(plain.verdict(name), Verdict::Hidden, "{name}");
        }
        for name in ["write", "WRITE", "Write"] {
            assert_eq!(plain.verdict(name), Verdict::NeedsScopes("w".into()), "{name}");
        }
        assert!(
            view(r#"["Read"]"#, "").permits("Read") && !view(r#"["Read"]"#, "").permits("read")
        );
    }

    #[test]
    fn a_list_keeps_everything_else_as_it_was() {
        let text = r#"{"jsonrpc":"2.0","id":5,"result":{"x":1.0,"tools":[{"name":"a","y":[1]},{"name":"b"},{}],"nextCursor":"c"}}"#;
        let shown = view(r#"["a"]"#, "").shown(text, &parse(text).unwrap(), "\"q\"").unwrap();
        let want = r#"{"jsonrpc":"2.0","id":"q","result":{"x":1.0,"tools":[{"name":"a","y":[1]}],"nextCursor":"c"}}"#;
        assert_eq!(shown, want);
    }
}
