//! The report of a server, as pages and the command line show it.

use gateway_contract::reports::{self, CheckOutcome};
use serde::Serialize;

use super::bounded::ReportError;
use crate::model::McpServer;

/// The state of a server in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerHealth {
    /// It works, as far as is known.
    Ok,
    /// Its processes, its last check or its answers fail.
    Failing,
    /// It was never started.
    Untried,
    /// Nothing can be said: no proxy reports it, or its proxy does not answer.
    Unknown,
}

impl ServerHealth {
    /// Returns the state as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::Untried => "untried",
            Self::Unknown => "unknown",
        }
    }
}

/// The tier of HTTP: the answer of a server that speaks HTTP itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// The HTTP status, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The time until the answer, in milliseconds.
    pub ms: u64,
    /// Why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The report of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerReport {
    /// The name in the catalogue.
    pub server: String,
    /// The display name.
    pub title: String,
    /// The state.
    pub health: ServerHealth,
    /// The proxy that runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// The answer of a server that speaks HTTP itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Reach>,
    /// What is known of its processes, and at the level of MCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<reports::ServerReport>,
    /// Why nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The state of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProxyState {
    /// Its name in `PROXIES`.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Why it did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The number of its servers.
    pub servers: usize,
}

impl ServerReport {
    fn new(server: &McpServer, health: ServerHealth) -> Self {
        Self {
            server: server.name.as_str().to_owned(),
            title: server.title.clone(),
            health,
            proxy: None,
            http: None,
            mcp: None,
            error: None,
        }
    }

    /// Returns the report of a server that `proxy` runs.
    pub(super) fn of_proxied(server: &McpServer, proxy: &str, mcp: reports::ServerReport) -> Self {
        let health = match (mcp.process.state.as_str(), has_failed(&mcp)) {
            ("failing", _) | (_, true) => ServerHealth::Failing,
            ("ok", false) => ServerHealth::Ok,
            _ => ServerHealth::Untried,
        };
        let proxy = Some(proxy.to_owned());
        Self { proxy, mcp: Some(mcp), ..Self::new(server, health) }
    }

    /// Returns the report of a server that speaks HTTP itself.
    pub(super) fn of_native(
        server: &McpServer,
        reach: Reach,
        mcp: Option<reports::ServerReport>,
    ) -> Self {
        let answers = reach.status.is_some_and(|status| status < 500);
        let health = match mcp.as_ref().map(has_failed) {
            _ if !answers => ServerHealth::Failing,
            Some(true) => ServerHealth::Failing,
            Some(false) | None => ServerHealth::Ok,
        };
        Self { http: Some(reach), mcp, ..Self::new(server, health) }
    }

    /// Returns the report of a server of which nothing is known because of `error`.
    pub(super) fn unknown(server: &McpServer, error: &ReportError) -> Self {
        Self { error: Some(error.to_string()), ..Self::new(server, ServerHealth::Unknown) }
    }
}

/// Returns `true` if the last check failed.
fn has_failed(report: &reports::ServerReport) -> bool {
    report.check.as_ref().is_some_and(|check| check.outcome == CheckOutcome::Failed)
}
