//! The operator's rules for the tools of a server: which are offered, and which need a scope (`tools` of an
//! entry).

use std::collections::{BTreeMap, BTreeSet};

use gateway_contract::spelling::caseless;
use gateway_contract::tool_pattern::{CaselessPattern, matches};
use serde::Deserialize;

/// The tool rules of a server. In a pattern, `*` matches any text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Stated")]
pub struct ToolRules {
    /// If not empty, only matching tools are offered.
    allow: Vec<String>,
    /// Matching tools are never offered.
    deny: Vec<CaselessPattern>,
    /// The scope that matching tools require.
    scopes: Vec<(CaselessPattern, String)>,
}

/// The rules as written: a list of allowed tools, or the full rules.
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

/// The treatment of tools in `tools/list` that a client lacks a scope for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepUpTools {
    /// They are omitted.
    #[default]
    Hide,
    /// They are listed if the gateway can grant the scope; a call then asks the client to step up.
    List,
}

/// The verdict of the rules on a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client may call the tool.
    Permitted,
    /// The tool does not exist for this client.
    Hidden,
    /// The tool requires these scopes: those the client has, and those it lacks.
    NeedsScopes(String),
    /// The access policy does not allow the tool for this person, whether it exists or not.
    Denied,
}

impl ToolRules {
    /// Returns the verdict on the tool `name` for a client with `scopes`, which are separated by spaces.
    pub(super) fn verdict(&self, name: &str, scopes: &str) -> Verdict {
        let allowed = self.allow.is_empty() || self.allow.iter().any(|one| matches(one, name));
        let folded = caseless(name);
        if !allowed || self.deny.iter().any(|one| one.covers(name, &folded)) {
            return Verdict::Hidden;
        }
        let needed = self.scopes.iter().filter(|(pattern, _)| pattern.covers(name, &folded));
        let held: BTreeSet<&str> = scopes.split(' ').filter(|one| !one.is_empty()).collect();
        let all: BTreeSet<&str> =
            needed.map(|(_, scope)| scope.as_str()).chain(held.clone()).collect();
        if all == held {
            return Verdict::Permitted;
        }
        Verdict::NeedsScopes(all.into_iter().collect::<Vec<_>>().join(" "))
    }

    /// Returns `true` if some tools require a scope.
    pub(super) fn need_scopes(&self) -> bool {
        !self.scopes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(rules: &str, scopes: &str, name: &str) -> Verdict {
        serde_json::from_str::<ToolRules>(rules).unwrap().verdict(name, scopes)
    }

    fn permits(rules: &str, scopes: &str, name: &str) -> bool {
        verdict(rules, scopes, name) == Verdict::Permitted
    }

    #[test]
    fn allow_deny_and_scopes_hold_together() {
        let rules =
            r#"{"allow": ["read_*", "write"], "deny": ["read_secret"], "scopes": {"write": "w"}}"#;
        assert!(permits(rules, "x", "read_file") && !permits(rules, "x", "read_secret"));
        assert!(!permits(rules, "x", "write") && permits(rules, "x w", "write"));
        assert!(!permits(rules, "x w", "other"));
        assert_eq!(verdict(rules, "x", "write"), Verdict::NeedsScopes("w x".into()));
        assert_eq!(verdict(rules, "x", "read_secret"), Verdict::Hidden);
        assert!(permits(r#"["a"]"#, "", "a") && !permits(r#"["a"]"#, "", "b"));
    }

    #[test]
    fn what_is_refused_is_refused_in_capital_letters_too_and_what_is_allowed_is_not_allowed() {
        let rules = r#"{"deny": ["delete_*"], "scopes": {"Write": "w"}}"#;
        for name in ["DELETE_all", "Delete_All", "delete_\u{17f}"] {
            assert_eq!(verdict(rules, "", name), Verdict::Hidden, "{name}");
        }
        for name in ["write", "WRITE", "Write"] {
            assert_eq!(verdict(rules, "", name), Verdict::NeedsScopes("w".into()), "{name}");
        }
        assert!(permits(r#"["Read"]"#, "", "Read") && !permits(r#"["Read"]"#, "", "read"));
    }
}
