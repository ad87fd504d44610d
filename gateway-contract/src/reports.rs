//! Answers of mcp-stdio-proxy on its inner interface, which auth-service asks for the state of servers.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use std::collections::BTreeMap;

/// The most tools of one server that are reported.
pub const MOST_TOOLS: usize = 1_000;
/// The longest reported name of a tool or of an implementation, in characters.
pub const LONGEST_NAME: usize = 256;
/// The longest reported description or error, in characters.
pub const LONGEST_TEXT: usize = 1_000;

/// The answer to `GET /servers`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct ServersAnswer {
    /// The servers by name.
    pub servers: BTreeMap<String, ServerReport>,
}

/// The answer to `GET /audit?after=N`: the audit events after the one with the number `N`.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct EventsAnswer {
    /// The number of the last event of the answer. Numbers of a later process are higher.
    pub after: u64,
    /// The number of events that were dropped before they were read.
    pub lost: u64,
    /// The events, oldest first, as many as an answer holds. An answer without any is the end.
    pub events: Vec<Box<RawValue>>,
}

/// What a proxy knows of its processes of a server.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerState {
    /// `ok`, `failing`, or `untried` before the first start.
    pub state: String,
    /// `legacy` or `modern`, once it is known.
    pub era: Option<String>,
    /// Owners whose process ends again and again.
    pub crashing: usize,
    /// The ids of the running processes.
    pub pids: Vec<u32>,
    /// The number of processes that are held ready.
    pub warm: usize,
    /// The number of open sessions.
    pub sessions: usize,
    /// The number of calls in flight.
    pub calls: usize,
    /// Processes that replaced a crashed one.
    pub restarts: u64,
    /// Failed starts in a row.
    pub failures: u32,
    /// The last failure, in words for operators.
    pub last_failure: Option<String>,
}

/// What a proxy knows of a server: the answer to `POST /servers/NAME/check`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct ServerReport {
    /// The state of its processes.
    #[serde(flatten)]
    pub process: ServerState,
    /// The name that the server gives itself.
    pub name: Option<String>,
    /// The version that the server states.
    pub version: Option<String>,
    /// The revision of MCP that it speaks.
    pub protocol: Option<String>,
    /// The number of its tools, at the last check that succeeded.
    pub tools: Option<usize>,
    /// The last check, if there was one.
    pub check: Option<CheckReport>,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// The server answered `initialize` and `tools/list`.
    Ok,
    /// The server did not answer one of them.
    Failed,
}

/// A check of a server at the level of MCP: `initialize` and `tools/list`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// When it ended, in seconds since 1970.
    pub at: u64,
    /// The outcome of the check.
    pub outcome: CheckOutcome,
    /// The duration in milliseconds.
    pub ms: u64,
    /// The reason of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The answer to `GET /servers/NAME/tools`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct ToolsAnswer {
    /// The tools that the last check found, or `None` before the first one that succeeded.
    pub tools: Option<Vec<ToolReport>>,
    /// `true` if the server has more tools than are reported.
    #[serde(default)]
    pub truncated: bool,
    /// When they were read, in seconds since 1970.
    #[serde(default)]
    pub at: Option<u64>,
}

/// A tool. The texts are the server's own, and may be shortened.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct ToolReport {
    /// The name of the tool.
    pub name: String,
    /// The title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The description of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Returns the first `limit` characters of `text`.
#[must_use]
pub fn shortened(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An older proxy lacks fields, and a newer one has more.
    #[test]
    fn a_report_with_other_fields_is_read() {
        let text = r#"{"servers":{"time":{"state":"ok","pids":[7],"news":1}}}"#;
        let answer: ServersAnswer = serde_json::from_str(text).unwrap();
        let time = answer.servers.get("time").unwrap();
        assert_eq!((time.process.state.as_str(), &time.process.pids[..]), ("ok", &[7][..]));
        assert_eq!(time.check, None);
    }

    #[test]
    fn the_state_of_processes_is_beside_the_rest() {
        let report = ServerReport { tools: Some(2), ..ServerReport::default() };
        let text = serde_json::to_value(&report).unwrap();
        assert_eq!(text.get("tools").unwrap(), 2);
        assert!(text.get("lastFailure").is_some(), "{text}");
        assert_eq!(serde_json::from_value::<ServerReport>(text).unwrap(), report);
    }
}
