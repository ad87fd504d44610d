//! Counters of the decisions of `/verify` per server, and of the MCP methods and tools that admitted
//! requests name (`Mcp-Method`, `Mcp-Name`).

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::RwLock;

use super::family::Family;

/// The maximum number of tools per server with a label of their own. It bounds the labels, since a
/// client can invent any number of names.
const TOOLS: usize = 100;

/// The maximum length of a tool name in a label, in bytes.
const NAME: usize = 128;

/// The values of the `method` label: known methods, `unstated` for none, and `other` for the rest.
const METHODS: [&str; 15] = [
    "tools/call",
    "tools/list",
    "unstated",
    "completion/complete",
    "initialize",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "server/discover",
    "subscriptions/listen",
    "notifications/cancelled",
    "other",
];

/// Returns the label for `method`: its own name, or `other` if it has no label.
#[must_use]
pub fn known_method(method: &str) -> &'static str {
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}

/// The decision of `/verify` about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request is forwarded to the server.
    Admitted,
    /// The request has no token.
    NoToken,
    /// The token is malformed or from another issuer.
    Invalid,
    /// The token has expired.
    Expired,
    /// The audience of the token is another server.
    OtherServer,
    /// The token or its grant was revoked.
    Revoked,
    /// The user may no longer log in, or may no longer use this server.
    NotAllowed,
    /// The token lacks a scope.
    InsufficientScope,
    /// The decision is impossible at the moment, for instance because Redis does not answer.
    Unavailable,
}

const DECISIONS: [&str; 9] = [
    "admitted",
    "no_token",
    "invalid",
    "expired",
    "other_server",
    "revoked",
    "not_allowed",
    "insufficient_scope",
    "unavailable",
];

impl Decision {
    /// Returns the value of the `decision` label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        DECISIONS.get(self as usize).copied().unwrap_or_default()
    }
}

pub(super) struct Verified {
    decisions: Family<9>,
    methods: Family<15>,
    tools: RwLock<BTreeMap<String, AtomicU64>>,
    other_tools: AtomicU64,
}

impl Default for Verified {
    fn default() -> Self {
        Self {
            decisions: Family::new(DECISIONS),
            methods: Family::new(METHODS),
            tools: RwLock::default(),
            other_tools: AtomicU64::new(0),
        }
    }
}

impl Verified {
    pub(super) fn decided(&self, decision: Decision) {
        self.decisions.count_at(decision as usize);
    }

    pub(super) fn asked(&self, method: &str, tool: Option<&str>) {
        self.methods.count(method);
        if let Some(tool) = tool {
            self.called(tool);
        }
    }

    fn called(&self, tool: &str) {
        let known = self.tools.read();
        if let Some(count) = known.get(tool) {
            count.fetch_add(1, Relaxed);
            return;
        }
        let full = known.len() >= TOOLS || tool.len() > NAME;
        drop(known);
        if full {
            self.other_tools.fetch_add(1, Relaxed);
            return;
        }
        let mut tools = self.tools.write();
        if tools.len() < TOOLS || tools.contains_key(tool) {
            tools.entry(tool.to_owned()).or_default().fetch_add(1, Relaxed);
        } else {
            self.other_tools.fetch_add(1, Relaxed);
        }
    }

    fn write_tools(&self, page: &mut String, server: &str) -> fmt::Result {
        let tools = self.tools.read();
        let named = tools.iter().map(|(name, count)| (escaped(name), count.load(Relaxed)));
        let others = self.other_tools.load(Relaxed);
        let others = (others > 0).then(|| ("other".to_owned(), others));
        for (tool, count) in named.chain(others) {
            let labels = format!("server=\"{server}\",tool=\"{tool}\"");
            writeln!(page, "mcp_auth_verify_tool_total{{{labels}}} {count}")?;
        }
        Ok(())
    }
}

/// Escapes a label value for the Prometheus exposition format 0.0.4.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

pub(super) fn write(page: &mut String, servers: &BTreeMap<String, Verified>) -> fmt::Result {
    writeln!(page, "# TYPE mcp_auth_verify_total counter")?;
    for (server, one) in servers {
        let labels = format!("server=\"{server}\",");
        one.decisions.write_with(page, ("mcp_auth_verify_total", &labels), "decision")?;
    }
    writeln!(page, "# TYPE mcp_auth_verify_method_total counter")?;
    for (server, one) in servers {
        let labels = format!("server=\"{server}\",");
        one.methods.write_with(page, ("mcp_auth_verify_method_total", &labels), "method")?;
    }
    writeln!(page, "# TYPE mcp_auth_verify_tool_total counter")?;
    for (server, one) in servers {
        one.write_tools(page, server)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_in_the_order_of_their_labels() {
        for (decision, label) in [
            (Decision::Admitted, "admitted"),
            (Decision::OtherServer, "other_server"),
            (Decision::Unavailable, "unavailable"),
        ] {
            assert_eq!(decision.as_str(), label);
        }
    }

    #[test]
    fn tools_that_clients_make_up_share_a_label() {
        let one = Verified::default();
        for number in 0..TOOLS + 5 {
            one.asked("tools/call", Some(&format!("t{number}")));
        }
        one.asked("tools/call", Some("t0"));
        one.asked("made/up", Some(&"x".repeat(NAME + 1)));
        let mut page = String::new();
        write(&mut page, &[("s".to_owned(), one)].into()).unwrap();
        assert_eq!(page.matches("tool=\"").count(), TOOLS + 1);
        assert!(page.contains("{server=\"s\",tool=\"other\"} 6\n"), "{page}");
        assert!(page.contains("{server=\"s\",tool=\"t0\"} 2\n"), "{page}");
        assert!(page.contains("{server=\"s\",method=\"other\"} 1\n"), "{page}");
    }

    #[test]
    fn a_name_cannot_end_its_label() {
        let one = Verified::default();
        one.asked("tools/call", Some("a\"} 1\nb\\"));
        let mut page = String::new();
        write(&mut page, &[("s".to_owned(), one)].into()).unwrap();
        assert!(page.contains("tool=\"a\\\"} 1\\nb\\\\\"} 1\n"), "{page}");
    }
}
