//! The scopes of one server: the basic scopes, scopes that include others, and the additional scopes of
//! single tools (MCP 2025-11-25 "Scope Challenge Handling").

use std::{borrow::Cow, collections::BTreeMap};

use gateway_contract::{spelling::caseless, tool_pattern::CaselessPattern};

use super::Scopes;

/// The scopes of a server and their meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerScopes {
    /// The scopes that every request needs.
    pub basic: Scopes,
    /// The descriptions and included scopes, by scope.
    pub details: BTreeMap<String, ScopeDetail>,
    /// The rules that require additional scopes for tools.
    pub tools: Vec<ToolScope>,
}

/// The description of a scope and the scopes it includes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeDetail {
    /// The permission in words, for the consent page.
    pub description: Option<String>,
    /// The narrower scopes that it implies.
    pub includes: Scopes,
}

/// A rule that requires scopes for all tools whose name matches a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolScope {
    /// The pattern of the tool names, in which `*` matches any text.
    pub pattern: CaselessPattern,
    /// The scopes that these tools require.
    pub scope: Scopes,
}

impl ServerScopes {
    /// Creates the scopes of a server that requires `basic` for every request and has no other scopes.
    #[must_use]
    pub fn basic(basic: Scopes) -> Self {
        Self { basic, ..Self::default() }
    }

    /// Returns all scopes that the server defines or requires.
    #[must_use]
    pub fn known(&self) -> Scopes {
        let named =
            self.details.iter().map(|(name, detail)| Scopes::one(name).union(&detail.includes));
        let needed = self.tools.iter().map(|rule| rule.scope.clone());
        named.chain(needed).fold(self.basic.clone(), |all, next| all.union(&next))
    }

    /// Returns `held` with all scopes that it includes, to any depth: "a broader scope satisfies a
    /// narrower demand" (MCP 2026-07-28).
    #[must_use]
    pub fn with_included(&self, held: &Scopes) -> Scopes {
        let mut all = held.clone();
        loop {
            let included = all.iter().filter_map(|name| self.details.get(name));
            let more = included.fold(all.clone(), |sum, detail| sum.union(&detail.includes));
            if more == all {
                return all;
            }
            all = more;
        }
    }

    /// Returns the same for a space-delimited list, as in the `scope` claim of a token.
    #[must_use]
    pub fn list_with_included<'a>(&self, held: &'a str) -> Cow<'a, str> {
        if self.details.is_empty() {
            return Cow::Borrowed(held);
        }
        let held = Scopes::parse(held).unwrap_or_default();
        Cow::Owned(self.with_included(&held).to_string())
    }

    /// Returns the scopes that calls of the tool `name` need in addition to the basic ones.
    #[must_use]
    pub fn of_tool(&self, name: &str) -> Scopes {
        let folded = caseless(name);
        let fitting = self.tools.iter().filter(|rule| rule.pattern.covers(name, &folded));
        fitting.fold(Scopes::default(), |all, rule| all.union(&rule.scope))
    }

    /// Returns the additional scopes of all tools together, which suffice for any call.
    #[must_use]
    pub fn of_any_tool(&self) -> Scopes {
        self.tools.iter().fold(Scopes::default(), |all, rule| all.union(&rule.scope))
    }

    /// Returns the description of `scope`, if it has one.
    #[must_use]
    pub fn description(&self, scope: &str) -> Option<&str> {
        self.details.get(scope)?.description.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text).unwrap()
    }

    fn files() -> ServerScopes {
        let includes = |text| ScopeDetail { includes: scopes(text), description: None };
        ServerScopes {
            basic: scopes("files:read"),
            details: [
                ("files:admin".to_owned(), includes("files:write")),
                ("files:write".to_owned(), includes("files:read")),
                ("loop".to_owned(), includes("loop files:admin")),
            ]
            .into(),
            tools: vec![
                ToolScope { pattern: "write_*".to_owned().into(), scope: scopes("files:write") },
                ToolScope { pattern: "*_all".to_owned().into(), scope: scopes("files:admin") },
            ],
        }
    }

    #[test]
    fn a_broader_scope_includes_the_narrower_ones_to_any_depth() {
        let server = files();
        let all = "files:admin files:read files:write";
        assert_eq!(server.with_included(&scopes("files:admin")).to_string(), all);
        assert_eq!(server.with_included(&scopes("files:read x")).to_string(), "files:read x");
        assert_eq!(server.with_included(&scopes("loop")).to_string(), format!("{all} loop"));
        assert_eq!(server.known().to_string(), format!("{all} loop"));
    }

    #[test]
    fn every_rule_that_fits_a_tool_counts() {
        let server = files();
        assert!(server.of_tool("read_file").is_empty());
        assert_eq!(server.of_tool("write_file").to_string(), "files:write");
        assert_eq!(server.of_tool("Write_File").to_string(), "files:write");
        assert_eq!(server.of_tool("write_all").to_string(), "files:admin files:write");
        assert_eq!(server.of_any_tool().to_string(), "files:admin files:write");
    }
}
