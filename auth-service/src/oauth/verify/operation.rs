//! Which scopes an operation needs, as far as it can be told without the body (MCP 2026-07-28
//! `Mcp-Method`, `Mcp-Name`).

use std::borrow::Cow;

use crate::model::{Enforcer, McpServer, Scopes};

/// What a request is about, by its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The headers do not say: an older revision, or nothing that can be read.
    Unstated,
    /// `tools/call` of this tool.
    Tool(String),
    /// Any other method, under the name by which it is counted.
    Other(&'static str),
}

impl Operation {
    /// Method and tool, for counting.
    pub(in crate::oauth) fn asked(&self) -> (&str, Option<&str>) {
        match self {
            Self::Unstated => ("unstated", None),
            Self::Tool(name) => ("tools/call", Some(name)),
            Self::Other(method) => (method, None),
        }
    }

    /// The scopes that it needs at `server`.
    ///
    /// A stated tool is taken at its word here, since a refusal on a false word harms nobody. What
    /// is not stated is left to the proxy, which reads the body; where there is no proxy, it may be
    /// anything.
    pub(in crate::oauth) fn needs<'a>(&self, server: &'a McpServer) -> Cow<'a, Scopes> {
        if server.scopes.tools.is_empty() {
            return Cow::Borrowed(&server.scopes.basic);
        }
        let more = match (self, server.enforcer) {
            (Self::Tool(name), _) => server.scopes.of_tool(name),
            (Self::Unstated, Enforcer::Verify) => server.scopes.of_any_tool(),
            (Self::Unstated, Enforcer::Proxy) | (Self::Other(_), _) => Scopes::default(),
        };
        Cow::Owned(server.scopes.basic.union(&more))
    }
}
