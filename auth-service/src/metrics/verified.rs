//! Counters of the decisions of `/verify` per server, and of the MCP methods and tools that admitted
//! requests name (`Mcp-Method`, `Mcp-Name`).

use std::{collections::BTreeMap, sync::Arc};

use gateway_contract::{
    methods::{self, METHODS, Method},
    metrics::{Handles, register},
};
use parking_lot::RwLock;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::{
    decision::{DECISIONS, Decision},
    tools::{Called, Tools},
};

/// The label of a request that states no method.
const UNSTATED: &str = "unstated";

/// The label of an unknown method.
const OTHER: &str = "other";

/// The number of values of the `method` label.
const LABELS: usize = METHODS.len() + 2;

/// The values of the `method` label: [`UNSTATED`], all known methods, and [`OTHER`].
static METHOD_LABELS: [&str; LABELS] = method_labels();

const fn method_labels() -> [&'static str; LABELS] {
    let mut labels = [OTHER; LABELS];
    let [first, rest @ ..] = &mut labels;
    *first = UNSTATED;
    let (mut free, mut methods): (&mut [&str], &[Method]) = (rest, &METHODS);
    // Backwards, because calls and lists of tools are the most frequent, and are found sooner at the start.
    while let (Some((label, next)), [others @ .., method]) = (free.split_first_mut(), methods) {
        *label = method.name;
        (free, methods) = (next, others);
    }
    labels
}

/// Returns the label for `method`: its own name, or `other` if the gateway does not know it.
#[must_use]
pub fn known_method(method: &str) -> &'static str {
    methods::find(method).map_or(OTHER, |known| known.name)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    server: Arc<str>,
    decision: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    server: Arc<str>,
    method: &'static str,
}

/// The counters of `/verify`, with handles for each server.
pub(super) struct Verified {
    decisions: Family<Decided, Counter>,
    methods: Family<Asked, Counter>,
    tools: Family<Called, Counter>,
    servers: RwLock<BTreeMap<String, Server>>,
}

impl Verified {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            decisions: register(
                registry,
                "mcp_auth_verify",
                "Decisions of /verify on requests to a server",
            ),
            methods: register(
                registry,
                "mcp_auth_verify_method",
                "Admitted requests by the MCP method that they state",
            ),
            tools: register(
                registry,
                "mcp_auth_verify_tool",
                "Admitted tool calls by the tool that they state",
            ),
            servers: RwLock::default(),
        }
    }

    /// Counts a decision, and the method and the tool if the request is admitted.
    pub(super) fn count(
        &self,
        server: &str,
        decision: Decision,
        (method, tool): (&str, Option<&str>),
    ) {
        let known = self.servers.read();
        if let Some(one) = known.get(server) {
            return one.count(decision, method, tool);
        }
        drop(known);
        let mut all = self.servers.write();
        let one = all.entry(server.to_owned()).or_insert_with(|| self.server(server.into()));
        one.count(decision, method, tool);
    }

    fn server(&self, server: Arc<str>) -> Server {
        let (decisions, methods) = (self.decisions.clone(), self.methods.clone());
        let (decided, asked) = (server.clone(), server.clone());
        Server {
            decisions: Handles::new(&DECISIONS, move |decision| {
                let server = decided.clone();
                decisions.get_or_create_owned(&Decided { server, decision })
            }),
            methods: Handles::new(&METHOD_LABELS, move |method| {
                let server = asked.clone();
                methods.get_or_create_owned(&Asked { server, method })
            }),
            tools: Tools::new(self.tools.clone(), server),
        }
    }
}

/// Handles to the counters of one server.
struct Server {
    decisions: Handles<Counter, 9>,
    methods: Handles<Counter, LABELS>,
    tools: Tools,
}

impl Server {
    fn count(&self, decision: Decision, method: &str, tool: Option<&str>) {
        if let Some(counter) = self.decisions.at(decision as usize) {
            counter.inc();
        }
        if decision != Decision::Admitted {
            return;
        }
        self.methods.count(method);
        if let Some(tool) = tool {
            self.tools.count(tool);
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_contract::metrics::page;

    use super::*;
    use crate::metrics::tools::{NAME, TOOLS};

    /// The page after `calls` of server `s`, each with a method and a tool.
    fn page_after<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let mut registry = Registry::default();
        let verified = Verified::new(&mut registry);
        for (method, tool) in calls {
            verified.count("s", Decision::Admitted, (method, Some(tool)));
        }
        page(&[&registry])
    }

    #[test]
    fn tools_that_clients_make_up_share_a_label() {
        let names: Vec<String> = (0..TOOLS + 5).map(|number| format!("t{number}")).collect();
        let long = "x".repeat(NAME + 1);
        let calls = names.iter().map(|name| ("tools/call", name.as_str()));
        let page = page_after(calls.chain([("tools/call", "t0"), ("made/up", &long)]));
        assert_eq!(page.matches("tool=\"").count(), TOOLS + 1);
        assert!(page.contains("{server=\"s\",tool=\"other\"} 6\n"), "{page}");
        assert!(page.contains("{server=\"s\",tool=\"t0\"} 2\n"), "{page}");
        assert!(page.contains("{server=\"s\",method=\"other\"} 1\n"), "{page}");
    }

    #[test]
    fn every_known_method_has_a_label() {
        let names = METHODS.iter().map(|method| (method.name, "t"));
        let page = page_after(names.chain([("unstated", "t"), ("made/up", "t")]));
        for method in METHODS.iter().map(|method| method.name).chain([UNSTATED, OTHER]) {
            let line = format!("{{server=\"s\",method=\"{method}\"}} 1\n");
            assert!(page.contains(&line), "{method}: {page}");
        }
    }

    #[test]
    fn a_tool_named_other_is_no_second_series() {
        let long = "x".repeat(NAME + 1);
        let page = page_after([("tools/call", "other"), ("tools/call", &long)]);
        assert!(page.contains("{server=\"s\",tool=\"other\"} 2\n"), "{page}");
        assert_eq!(page.matches("tool=\"").count(), 1, "{page}");
    }

    #[test]
    fn a_name_cannot_end_its_label() {
        let page = page_after([("tools/call", "a\"} 1\nb\\")]);
        assert!(page.contains("tool=\"a\\\"} 1\\nb\\\\\"} 1\n"), "{page}");
    }
}
