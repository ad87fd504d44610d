//! The tools of a server that the access policy allows a person. auth-service writes the lists into the signed
//! identity, and mcp-stdio-proxy enforces them.

use crate::denied_tools::{DeniedTools, denies};
use crate::tool_pattern::matches;

/// The tool lists of one person at one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolLists {
    /// The patterns of allowed tools, compared exactly. With `None`, all tools are allowed.
    pub allow: Option<Box<[Box<str>]>>,
    /// The patterns of denied tools, which go before those of allowed ones.
    pub deny: Box<[DeniedTools]>,
}

impl ToolLists {
    /// Creates the lists from the texts of their patterns.
    pub fn new<A: AsRef<str>, D: AsRef<str>>(allow: Option<&[A]>, deny: &[D]) -> Self {
        let texts = |all: &[A]| all.iter().map(|text| text.as_ref().into()).collect();
        Self {
            allow: allow.map(texts),
            deny: deny.iter().map(|text| DeniedTools::new(text.as_ref())).collect(),
        }
    }

    /// Returns `true` if the lists leave out no tool.
    #[must_use]
    pub fn admit_all(&self) -> bool {
        self.allow.is_none() && self.deny.is_empty()
    }

    /// Returns `true` if the person may use the tool `name`.
    #[must_use]
    pub fn admits(&self, name: &str) -> bool {
        let is_allowed = |patterns: &[Box<str>]| patterns.iter().any(|one| matches(one, name));
        self.allow.as_deref().is_none_or(is_allowed) && !denies(&self.deny, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &[&str] = &[];

    #[test]
    fn without_lists_all_tools_are_admitted_and_with_an_empty_one_none() {
        let all = ToolLists::new(None::<&[&str]>, NONE);
        assert!(all.admit_all() && all.admits("x") && all.admits(""));
        assert_eq!(all, ToolLists::default());
        let none = ToolLists::new(Some(NONE), NONE);
        assert!(!none.admit_all() && !none.admits("x") && !none.admits(""));
    }

    #[test]
    fn what_is_allowed_is_allowed_as_it_is_spelt() {
        let lists = ToolLists::new(Some(&["read_*", "Status"]), NONE);
        assert!(!lists.admit_all());
        for (name, admitted) in
            [("read_a", true), ("Status", true), ("READ_A", false), ("status", false), ("x", false)]
        {
            assert_eq!(lists.admits(name), admitted, "{name}");
        }
    }

    #[test]
    fn what_is_denied_is_denied_in_every_spelling_and_although_it_is_allowed() {
        let lists = ToolLists::new(Some(&["*"]), &["delete_*"]);
        assert!(!lists.admit_all());
        for name in ["delete_x", "Delete_X", "DELETE_\u{e4}", "read\u{200b}", " read"] {
            assert!(!lists.admits(name), "{name:?}");
        }
        assert!(lists.admits("undelete_x"));
        let lists = ToolLists::new(None::<&[&str]>, &["delete_*"]);
        assert!(!lists.admit_all() && lists.admits("read") && !lists.admits("Delete_X"));
    }
}
