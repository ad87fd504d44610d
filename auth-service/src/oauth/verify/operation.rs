//! The scopes that an operation requires, as far as its headers tell.
//!
//! `/verify` does not see the body. MCP 2026-07-28 states the operation in `Mcp-Method` and
//! `Mcp-Name`.

use std::borrow::Cow;

use gateway_contract::{methods::CALL_TOOL, spelling::is_ambiguous_tool};

use crate::{
    access::ServerVerdict,
    model::{Enforcer, McpServer, Scopes},
};

/// The operation of a request, according to its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The headers are absent, as in older revisions, or unreadable.
    Unstated,
    /// A `tools/call` of this tool.
    Tool(String),
    /// Any other method, with its label in the metrics.
    Other(&'static str),
}

impl Operation {
    /// Returns method and tool as labels for the metrics.
    pub(in crate::oauth) fn asked(&self) -> (&str, Option<&str>) {
        match self {
            Self::Unstated => ("unstated", None),
            Self::Tool(name) => (CALL_TOOL, Some(name)),
            Self::Other(method) => (method, None),
        }
    }

    /// Returns `true` if the access policy admits the operation, as far as its headers tell.
    ///
    /// An unstated operation is left to the proxy, which reads the body. Without a proxy, it could call any tool,
    /// so that it is admitted only if all tools are. So is every operation at a server that does not check the headers.
    pub(in crate::oauth) fn is_admitted(
        &self,
        verdict: &ServerVerdict,
        server: &McpServer,
    ) -> bool {
        let admits_all = || verdict.tools_allow.is_none() && verdict.tools_deny.is_empty();
        match (self, server.enforcer) {
            (_, Enforcer::Nobody) | (Self::Unstated, Enforcer::Verify) => admits_all(),
            (Self::Tool(name), _) => verdict.admits_tool(name),
            (Self::Unstated, Enforcer::Proxy) | (Self::Other(_), _) => true,
        }
    }

    /// Returns the scopes that the operation requires at `server`.
    ///
    /// A stated tool is trusted here: a denial that results from a false statement harms only the
    /// caller. An unstated operation is left to the proxy, which reads the body. Without a proxy, it
    /// requires the scopes of all tools, because it could call any of them.
    pub(in crate::oauth) fn needs<'a>(&self, server: &'a McpServer) -> Cow<'a, Scopes> {
        if server.scopes.tools.is_empty() {
            return Cow::Borrowed(&server.scopes.basic);
        }
        let more = match (self, server.enforcer) {
            // A server may take it for any other tool.
            (Self::Tool(name), Enforcer::Verify | Enforcer::Nobody) if is_ambiguous_tool(name) => {
                server.scopes.of_any_tool()
            }
            (Self::Tool(name), _) => server.scopes.of_tool(name),
            (Self::Unstated, Enforcer::Verify | Enforcer::Nobody) => server.scopes.of_any_tool(),
            (Self::Unstated, Enforcer::Proxy) | (Self::Other(_), _) => Scopes::default(),
        };
        Cow::Owned(server.scopes.basic.union(&more))
    }
}
