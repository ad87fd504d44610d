//! The tools of a server that one client sees and may call (MCP "Tools", `tools/list`, `tools/call`).

use std::sync::Arc;

use gateway_contract::tool_lists::ToolLists;
use serde::Deserialize;

use super::ServerConfig;
use super::tools::{StepUpTools, ToolRules, Verdict};
use crate::messages::array;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::Envelope;
use crate::messages::object;
use crate::messages::place::span;

/// The rights of a client.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    /// The granted scopes, separated by spaces.
    pub scopes: String,
    /// The tools that the access policy allows the user; `None` if it allows all.
    pub lists: Option<Arc<ToolLists>>,
    /// `true` if a gateway can grant more scopes.
    pub can_step_up: bool,
}

/// The tool rules as they apply to one client.
pub struct ToolView {
    config: Arc<ServerConfig>,
    rights: Rights,
}

impl ToolView {
    /// Returns the view of a client with `rights`, or `None` if it may use every tool.
    #[must_use]
    pub fn new(config: &Arc<ServerConfig>, rights: Rights) -> Option<Arc<Self>> {
        let is_restricted = config.tools.is_some() || rights.lists.is_some();
        is_restricted.then(|| Arc::new(Self { config: Arc::clone(config), rights }))
    }

    /// Returns the verdict on the tool `name`. The access policy takes precedence, since its denial must not
    /// reveal whether the server has the tool.
    #[must_use]
    pub fn verdict(&self, name: &str) -> Verdict {
        if self.rights.lists.as_ref().is_some_and(|lists| !lists.admits(name)) {
            return Verdict::Denied;
        }
        let rules = self.config.tools.as_ref();
        rules.map_or(Verdict::Permitted, |rules| rules.verdict(name, &self.rights.scopes))
    }

    /// Returns `true` if the list of tools includes the tool `name`.
    fn lists(&self, name: &str) -> bool {
        match self.verdict(name) {
            Verdict::Permitted => true,
            Verdict::NeedsScopes(_) => {
                self.rights.can_step_up && self.config.step_up_tools == StepUpTools::List
            }
            Verdict::Hidden | Verdict::Denied => false,
        }
    }

    /// Returns `true` if another client may see another list.
    fn is_personal(&self) -> bool {
        let rules = self.config.tools.as_ref();
        self.rights.lists.is_some() || rules.is_some_and(ToolRules::need_scopes)
    }

    /// Returns the response `line` to `tools/list` without hidden tools. Returns `None` if the result has no tools. An
    /// unreadable list becomes an error.
    #[must_use]
    pub fn filtered(&self, line: &Line, envelope: &Envelope<'_>) -> Option<Line> {
        let result = envelope.result?;
        let all = object::members(result);
        if all.is_some_and(|all| all.iter().all(|member| member.name != "tools")) {
            return None;
        }
        let filtered = || {
            let all = object::value(result, "tools")?;
            let edit = replace(line, JsonEdit::of(line.text()), (all, self.visible(all)?))?;
            Some(Line::from(self.unshared(line, edit, result)?.apply()))
        };
        let unreadable = || {
            let why = "the list of tools cannot be read";
            Line::from(error::answer(envelope.id, error::INTERNAL, why))
        };
        Some(filtered().unwrap_or_else(unreadable))
    }

    /// Adds the changes that prevent a cache from serving the list to another user (2026-07-28 "Caching").
    fn unshared<'a>(&self, line: &Line, edit: JsonEdit<'a>, result: &str) -> Option<JsonEdit<'a>> {
        if !self.is_personal() {
            return Some(edit);
        }
        let all = object::members(result)?;
        let mut stated = all.iter().filter(|member| member.name == "cacheScope");
        stated
            .try_fold(edit, |edit, one| replace(line, edit, (one.value, "\"private\"".to_owned())))
    }

    /// Returns the array `tools` as JSON text with only the visible tools.
    fn visible(&self, tools: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Tool {
            name: String,
        }
        let named = |raw: &str| serde_json::from_str::<Tool>(raw).ok().map(|tool| tool.name);
        let mut kept = String::from("[");
        array::each(tools, |tool| {
            if named(tool).is_some_and(|name| self.lists(&name)) {
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

/// Replaces `part` of `line`. Returns `None` if it is not a part, since it would stay visible.
fn replace<'a>(
    line: &Line,
    edit: JsonEdit<'a>,
    (part, with): (&str, String),
) -> Option<JsonEdit<'a>> {
    span(line.text(), part)?;
    Some(edit.replace(part, with))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::message::parse;

    fn entry(rules: &str) -> ServerConfig {
        let mut config = ServerConfig::of_command("x".into(), vec![]);
        config.tools = serde_json::from_str(rules).unwrap();
        config
    }

    fn rights(scopes: &str) -> Rights {
        Rights { scopes: scopes.to_owned(), ..Rights::default() }
    }

    fn listed(scopes: &str, allow: Option<&[&str]>, deny: &[&str]) -> Rights {
        Rights { lists: Some(Arc::new(ToolLists::new(allow, deny))), ..rights(scopes) }
    }

    fn view(rules: &str, scopes: &str) -> Arc<ToolView> {
        ToolView::new(&Arc::new(entry(rules)), rights(scopes)).unwrap()
    }

    impl ToolView {
        fn permits(&self, name: &str) -> bool {
            let permitted = self.verdict(name) == Verdict::Permitted;
            assert_eq!(self.lists(name), permitted, "{name}");
            permitted
        }
    }

    #[test]
    fn the_access_policy_only_narrows() {
        let rules = r#"{"allow": ["read*", "write*"], "scopes": {"write*": "w"}}"#;
        let config = Arc::new(entry(rules));
        let view = |rights: Rights| ToolView::new(&config, rights).unwrap();
        let narrowed = view(listed("", Some(&["read_a", "write", "other"]), &["read_b", "WRITE"]));
        assert!(narrowed.permits("read_a") && !narrowed.permits("read_b"));
        for name in ["read_b", "read_c", "write", "Write", "no such tool"] {
            assert_eq!(narrowed.verdict(name), Verdict::Denied, "{name}");
        }
        assert_eq!(narrowed.verdict("other"), Verdict::Hidden);
        let all = view(listed("", Some(&["*"]), &[]));
        assert_eq!(all.verdict("other"), Verdict::Hidden);
        assert_eq!(all.verdict("write"), Verdict::NeedsScopes("w".into()));
        let plain = Arc::new(ServerConfig::of_command("x".into(), vec![]));
        assert!(ToolView::new(&plain, rights("")).is_none());
        let none = ToolView::new(&plain, listed("", Some(&[]), &[])).unwrap();
        assert_eq!(none.verdict("read"), Verdict::Denied);
    }

    #[test]
    fn tools_whose_scope_is_missing_are_listed_if_the_entry_says_so_and_a_gateway_can_give_it() {
        let rules = r#"{"deny": ["secret"], "scopes": {"write": "w"}}"#;
        let mut config = entry(rules);
        for (what, can_step_up, listed) in [
            (StepUpTools::Hide, true, false),
            (StepUpTools::List, false, false),
            (StepUpTools::List, true, true),
        ] {
            config.step_up_tools = what;
            let rights = Rights { can_step_up, ..rights("") };
            let view = ToolView::new(&Arc::new(config.clone()), rights).unwrap();
            assert_eq!(view.lists("write"), listed, "{what:?} {can_step_up}");
            assert!(view.lists("read") && !view.lists("secret"));
            assert_eq!(view.verdict("write"), Verdict::NeedsScopes("w".into()));
        }
        let rights = Rights { can_step_up: true, ..listed("", None, &["write"]) };
        let view = ToolView::new(&Arc::new(config), rights).unwrap();
        assert!(!view.lists("write"), "no scope would help");
    }

    #[test]
    fn a_list_keeps_everything_else_as_it_was() {
        let text = r#"{"jsonrpc":"2.0","id":5,"result":{"x":1.0,"tools":[{"name":"a","y":[1]},{"name":"b"},{}],"nextCursor":"c"}}"#;
        let line = Line::from(text.to_owned());
        let view = view(r#"["a"]"#, "");
        let shown = view.filtered(&line, &parse(line.text()).unwrap()).unwrap();
        let want = r#"{"jsonrpc":"2.0","id":5,"result":{"x":1.0,"tools":[{"name":"a","y":[1]}],"nextCursor":"c"}}"#;
        assert_eq!(shown.text(), want);
    }

    #[test]
    fn a_list_for_one_person_is_not_for_a_shared_cache() {
        let text = r#"{"id":5,"jsonrpc":"2.0","result":{"cacheScope":"public","tools":[{"name":"a"}],"ttlMs":9}}"#;
        let scope = |rules: &str, rights: Rights| {
            let view = ToolView::new(&Arc::new(entry(rules)), rights).unwrap();
            let line = Line::from(text.to_owned());
            let shown = view.filtered(&line, &parse(line.text()).unwrap()).unwrap();
            let shown: serde_json::Value = serde_json::from_str(shown.text()).unwrap();
            assert_eq!(shown["result"]["ttlMs"], 9);
            shown["result"]["cacheScope"].as_str().unwrap().to_owned()
        };
        assert_eq!(scope(r#"["a"]"#, rights("")), "public");
        assert_eq!(scope(r#"{"scopes": {"b": "w"}}"#, rights("")), "private");
        assert_eq!(scope("null", listed("", None, &["b"])), "private");
        assert_eq!(scope(r#"["a"]"#, listed("", Some(&["a"]), &[])), "private");
    }
}
