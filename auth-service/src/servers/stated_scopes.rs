//! The scopes of a server in the servers file: `scopes`, `scopeDetails` and `tools.scopes`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{ScopeDetail, Scopes, ServerScopes, ToolScope};

/// The scope of a server without the key `scopes`.
const DEFAULT_SCOPE: &str = "mcp";

/// The details of one scope: a description, or a description and the included scopes.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum StatedDetail {
    Words(String),
    Detail {
        description: Option<String>,
        #[serde(default)]
        includes: Vec<String>,
    },
}

/// The rules for tools. Only their scopes matter here; the proxy enforces the rest.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum StatedTools {
    Allowed(#[expect(dead_code, reason = "only its shape matters here")] Vec<String>),
    Rules {
        #[serde(default)]
        scopes: BTreeMap<String, String>,
    },
}

impl Default for StatedTools {
    fn default() -> Self {
        Self::Allowed(Vec::new())
    }
}

impl StatedTools {
    /// Returns `true` if any tool requires an additional scope.
    pub(super) fn name_scopes(&self) -> bool {
        matches!(self, Self::Rules { scopes } if !scopes.is_empty())
    }
}

/// Validates and combines the scopes of a server. Returns a message for the operator on failure.
pub(super) fn scopes(
    basic: Option<&[String]>,
    details: BTreeMap<String, StatedDetail>,
    tools: StatedTools,
) -> Result<ServerScopes, String> {
    let basic = basic.map_or_else(|| DEFAULT_SCOPE.to_owned(), |list| list.join(" "));
    let basic = Scopes::parse(&basic).map_err(|problem| format!("scopes: {problem}"))?;
    let details = details.into_iter().map(|(scope, stated)| {
        single(&scope).map_err(|problem| format!("scopeDetails: {problem}"))?;
        Ok((scope, detail(stated)?))
    });
    let rules = match tools {
        StatedTools::Allowed(_) => BTreeMap::new(),
        StatedTools::Rules { scopes } => scopes,
    };
    let tools = rules.into_iter().map(|(pattern, scope)| {
        let scope = single(&scope).map_err(|problem| format!("tools.scopes: {problem}"))?;
        Ok(ToolScope { pattern: pattern.into(), scope })
    });
    Ok(ServerScopes {
        basic,
        details: details.collect::<Result<_, String>>()?,
        tools: tools.collect::<Result<_, String>>()?,
    })
}

fn detail(stated: StatedDetail) -> Result<ScopeDetail, String> {
    let (description, includes) = match stated {
        StatedDetail::Words(words) => (Some(words), Vec::new()),
        StatedDetail::Detail { description, includes } => (description, includes),
    };
    let includes = Scopes::parse(&includes.join(" "))
        .map_err(|problem| format!("scopeDetails: includes: {problem}"))?;
    Ok(ScopeDetail { description, includes })
}

/// Parses exactly one scope.
fn single(text: &str) -> Result<Scopes, String> {
    let scopes = Scopes::parse(text).map_err(|problem| problem.to_string())?;
    if scopes.iter().eq([text]) { Ok(scopes) } else { Err(format!("\"{text}\" is not one scope")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(details: &str, tools: &str) -> Result<ServerScopes, String> {
        let details = serde_json::from_str(details).unwrap();
        scopes(None, details, serde_json::from_str(tools).unwrap())
    }

    #[test]
    fn words_inclusion_and_tools_are_read() {
        let details = r#"{"w": {"description": "write", "includes": ["r"]}, "r": "read"}"#;
        let scopes = read(details, r#"{"allow": ["x"], "scopes": {"write_*": "w"}}"#).unwrap();
        assert_eq!(scopes.known().to_string(), "mcp r w");
        assert_eq!(
            (scopes.description("r"), scopes.description("w")),
            (Some("read"), Some("write"))
        );
        assert_eq!(scopes.of_tool("write_file").to_string(), "w");
        assert!(read("{}", r#"["only", "these"]"#).unwrap().tools.is_empty());
    }

    #[test]
    fn what_is_not_one_scope_is_named() {
        for (details, tools) in [
            (r#"{"a b": "two"}"#, "[]"),
            (r#"{"": "none"}"#, "[]"),
            (r#"{"a": {"includes": ["\""]}}"#, "[]"),
            ("{}", r#"{"scopes": {"x": "a b"}}"#),
        ] {
            let problem = read(details, tools).unwrap_err();
            assert!(problem.contains("scope"), "{problem}");
        }
    }
}
