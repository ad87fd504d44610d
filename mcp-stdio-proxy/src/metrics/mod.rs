//! Counters in the text format of Prometheus; the labels are bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::backend::Backend;
use crate::hub::Hub;
use crate::sync::lock;

/// Methods that get a label of their own; a client could make up any number of others.
const METHODS: &[&str] = &[
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
];

/// Upper bounds of the classes of latency, in milliseconds.
const CLASSES: &[u64] = &[1, 5, 25, 100, 500, 2_500, 10_000, 60_000];

#[derive(Default)]
struct Series {
    count: u64,
    micros: u64,
    classes: [u64; CLASSES.len()],
}

/// The counters.
#[derive(Default)]
pub struct Metrics {
    served: Mutex<BTreeMap<(String, &'static str, u16), Series>>,
}

impl Metrics {
    /// Counts a POST.
    pub fn served(&self, server: &str, method: &str, status: u16, took: Duration) {
        let method = METHODS.iter().find(|known| **known == method).copied().unwrap_or("other");
        let mut all = lock(&self.served);
        let series = all.entry((server.to_owned(), method, status)).or_default();
        series.count += 1;
        series.micros += u64::try_from(took.as_micros()).unwrap_or(0);
        for (class, limit) in series.classes.iter_mut().zip(CLASSES) {
            *class += u64::from(took.as_millis() <= u128::from(*limit));
        }
    }

    /// The page.
    pub fn render(&self, hub: &Hub) -> String {
        let mut page = String::new();
        // Writing to a string cannot fail.
        let _written = self.write(&mut page, hub);
        page
    }

    fn write(&self, page: &mut String, hub: &Hub) -> std::fmt::Result {
        let rooms = hub.rooms();
        let backends = hub.backends();
        let theirs = |backend: &Backend| {
            rooms.iter().filter(|room| room.backend.name == backend.name).collect::<Vec<_>>()
        };
        gauge(page, "children", &backends, |one| hub.children(&one.name))?;
        gauge(page, "sessions", &backends, |one| {
            theirs(one).iter().map(|room| room.sessions()).sum()
        })?;
        gauge(page, "calls_in_flight", &backends, |one| {
            theirs(one).iter().filter_map(|room| room.live()).map(|child| child.calls.len()).sum()
        })?;
        writeln!(page, "# TYPE mcp_proxy_bytes_total counter")?;
        for backend in &backends {
            let (to, from) = backend.traffic.bytes();
            for (direction, bytes) in [("to_server", to), ("from_server", from)] {
                let labels = format!("server=\"{}\",direction=\"{direction}\"", backend.name);
                writeln!(page, "mcp_proxy_bytes_total{{{labels}}} {bytes}")?;
            }
        }
        writeln!(page, "# TYPE mcp_proxy_restarts_total counter")?;
        for backend in &backends {
            let restarts = backend.troubles().0;
            writeln!(page, "mcp_proxy_restarts_total{{server=\"{}\"}} {restarts}", backend.name)?;
        }
        writeln!(page, "# TYPE mcp_proxy_request_seconds histogram")?;
        for ((server, method, status), series) in lock(&self.served).iter() {
            let labels = format!("server=\"{server}\",method=\"{method}\",status=\"{status}\"");
            series.write(page, &labels)?;
        }
        Ok(())
    }
}

fn gauge(
    page: &mut String,
    name: &str,
    backends: &[Arc<Backend>],
    value: impl Fn(&Backend) -> usize,
) -> std::fmt::Result {
    writeln!(page, "# TYPE mcp_proxy_{name} gauge")?;
    for backend in backends {
        let value = value(backend);
        writeln!(page, "mcp_proxy_{name}{{server=\"{}\"}} {value}", backend.name)?;
    }
    Ok(())
}

impl Series {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of one series fit")]
    fn write(&self, page: &mut String, labels: &str) -> std::fmt::Result {
        const NAME: &str = "mcp_proxy_request_seconds";
        for (class, limit) in self.classes.iter().zip(CLASSES) {
            let limit = *limit as f64 / 1e3;
            writeln!(page, "{NAME}_bucket{{{labels},le=\"{limit}\"}} {class}")?;
        }
        writeln!(page, "{NAME}_bucket{{{labels},le=\"+Inf\"}} {}", self.count)?;
        writeln!(page, "{NAME}_sum{{{labels}}} {}", self.micros as f64 / 1e6)?;
        writeln!(page, "{NAME}_count{{{labels}}} {}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_clients_make_up_share_a_label() {
        let metrics = Metrics::default();
        for method in ["tools/call", "x", "y\"}"] {
            metrics.served("a", method, 200, Duration::from_millis(3));
        }
        let hub =
            Hub::new(crate::settings::Settings::default(), &crate::catalogue::Catalogue::default());
        let page = metrics.render(&hub);
        assert!(page.contains("_count{server=\"a\",method=\"other\",status=\"200\"} 2"), "{page}");
        assert!(page.contains("method=\"tools/call\",status=\"200\",le=\"0.001\"} 0"), "{page}");
        assert!(page.contains("method=\"tools/call\",status=\"200\",le=\"0.005\"} 1"), "{page}");
    }
}
