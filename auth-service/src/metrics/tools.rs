//! Counters of the calls of each tool of a server. Clients can invent any number of names.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use parking_lot::RwLock;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

/// The maximum number of tools per server with a label of their own.
pub(super) const TOOLS: usize = 100;

/// The maximum length of a tool name in a label, in bytes.
pub(super) const NAME: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Called {
    server: Arc<str>,
    tool: Arc<str>,
}

/// Handles to the counters of the tools of one server.
pub(super) struct Tools {
    server: Arc<str>,
    family: Family<Called, Counter>,
    named: RwLock<BTreeMap<Arc<str>, Counter>>,
    other: OnceLock<Counter>,
}

impl Tools {
    pub(super) fn new(family: Family<Called, Counter>, server: Arc<str>) -> Self {
        Self { server, family, named: RwLock::default(), other: OnceLock::new() }
    }

    /// Counts a call of `tool`.
    pub(super) fn count(&self, tool: &str) {
        let known = self.named.read();
        if let Some(counter) = known.get(tool) {
            counter.inc();
            return;
        }
        let full = known.len() >= TOOLS || tool.len() > NAME;
        drop(known);
        if full {
            self.other().inc();
            return;
        }
        let mut named = self.named.write();
        if named.len() < TOOLS || named.contains_key(tool) {
            let tool: Arc<str> = tool.into();
            named.entry(tool.clone()).or_insert_with(|| self.counter(tool)).inc();
        } else {
            self.other().inc();
        }
    }

    fn other(&self) -> &Counter {
        self.other.get_or_init(|| self.counter("other".into()))
    }

    fn counter(&self, tool: Arc<str>) -> Counter {
        self.family.get_or_create_owned(&Called { server: self.server.clone(), tool })
    }
}
