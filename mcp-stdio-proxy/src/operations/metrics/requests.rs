//! Latency of the requests to each server, by method and status, with bounded labels.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gateway_contract::metrics::Handles;
use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The values of the `method` label: known methods, and `other` for the rest, which clients can invent.
const METHODS: [&str; 18] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "notifications/cancelled",
    "notifications/initialized",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
    "other",
];

/// The success statuses whose histograms have handles. Others are looked up in the family.
const SUCCESSES: [u16; 2] = [200, 202];

/// The upper bounds of the buckets, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    server: Arc<str>,
    method: &'static str,
    status: u16,
}

/// The histogram handles of one server, by success status.
type Server = [Handles<Histogram, 18>; 2];

/// The histograms of all requests, with handles for each server.
pub(super) struct Requests {
    family: Family<Labels, Histogram, fn() -> Histogram>,
    servers: RwLock<BTreeMap<String, Server>>,
}

impl Requests {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let create: fn() -> Histogram = || Histogram::new(BUCKETS);
        let family = Family::new_with_constructor(create);
        let help = "Time from a POST to the end of its response, by MCP method and HTTP status";
        registry.register_with_unit("mcp_proxy_request", help, Unit::Seconds, family.clone());
        Self { family, servers: RwLock::default() }
    }

    /// Records the duration of a POST.
    pub(super) fn observe(&self, server: &str, method: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let Some(at) = SUCCESSES.iter().position(|success| *success == status) else {
            let known = METHODS.into_iter().find(|known| *known == method);
            let method = known.unwrap_or("other");
            let labels = Labels { server: server.into(), method, status };
            return self.family.get_or_create(&labels).observe(seconds);
        };
        let observe = |one: &Server| {
            if let Some(histogram) = one.get(at).and_then(|handles| handles.of(method)) {
                histogram.observe(seconds);
            }
        };
        let known = self.servers.read();
        if let Some(one) = known.get(server) {
            return observe(one);
        }
        drop(known);
        let mut all = self.servers.write();
        observe(all.entry(server.to_owned()).or_insert_with(|| self.server(&server.into())));
    }

    fn server(&self, server: &Arc<str>) -> Server {
        SUCCESSES.map(|status| {
            let (family, server) = (self.family.clone(), Arc::clone(server));
            Handles::new(&METHODS, move |method| {
                let server = Arc::clone(&server);
                family.get_or_create_owned(&Labels { server, method, status })
            })
        })
    }
}
