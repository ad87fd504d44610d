//! Prometheus metrics of the proxy, with bounded labels.

mod requests;
mod servers;

use std::time::Duration;

use gateway_contract::metrics::page;
use prometheus_client::registry::Registry;

use self::requests::Requests;
use self::servers::Servers;
use crate::sessions::SessionRegistry;

/// The metrics of this process since its start.
pub struct Metrics {
    requests: Requests,
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        Self { requests: Requests::new(&mut registry), registry }
    }
}

impl Metrics {
    /// Counts a POST request.
    pub fn served(&self, server: &str, method: &str, status: u16, took: Duration) {
        self.requests.observe(server, method, status, took);
    }

    /// Renders the page in the Prometheus text format.
    #[must_use]
    pub fn render(&self, registry: &SessionRegistry) -> String {
        let mut current = Registry::default();
        current.register_collector(Box::new(Servers::of(registry)));
        page(&[&current, &self.registry])
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
        metrics.served("a", "ping", 404, Duration::from_micros(1_900));
        let registry = SessionRegistry::new(
            crate::config::settings::Settings::default(),
            &crate::config::catalogue::Catalogue::default(),
        );
        let page = metrics.render(&registry);
        assert!(page.contains("_count{server=\"a\",method=\"other\",status=\"200\"} 2"), "{page}");
        assert!(page.contains("method=\"tools/call\",status=\"200\",le=\"0.001\"} 0"), "{page}");
        assert!(page.contains("method=\"tools/call\",status=\"200\",le=\"0.005\"} 1"), "{page}");
        assert!(page.contains("method=\"ping\",status=\"404\",le=\"0.001\"} 0"), "{page}");
        assert!(page.contains("method=\"ping\",status=\"404\",le=\"0.005\"} 1"), "{page}");
    }
}
