//! Metrics that are collected from the servers when the page is rendered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::instances::server::Server;
use crate::sessions::SessionRegistry;

/// The state of one server.
#[derive(Debug)]
struct Reading {
    server: Arc<str>,
    children: usize,
    sessions: usize,
    calls: usize,
    /// The bytes sent to the server, and those received.
    bytes: (u64, u64),
    restarts: u64,
    is_up: Option<bool>,
    /// The end of the last check, in seconds since 1970, and its duration in milliseconds.
    check: Option<(u64, u64)>,
}

/// A snapshot of the state of all servers.
#[derive(Debug)]
pub(super) struct Servers(Vec<Reading>);

impl Servers {
    /// Collects the state of the servers of `registry`.
    pub(super) fn of(registry: &SessionRegistry) -> Self {
        let instances = registry.instances();
        let processes = registry.pool().quota.by_server();
        let read = |server: &Server| {
            let instances =
                || instances.iter().filter(|instance| instance.server.name == server.name);
            Reading {
                server: Arc::clone(&server.name),
                children: processes.get(&*server.name).copied().unwrap_or_default(),
                sessions: instances().map(|instance| instance.sessions()).sum(),
                calls: instances()
                    .filter_map(|instance| instance.process())
                    .map(|process| process.calls.len())
                    .sum(),
                bytes: server.starter.traffic.bytes(),
                restarts: server.history.restarts(),
                is_up: server.is_up(),
                check: server.checks.last().map(|last| (last.report.at, last.report.ms)),
            }
        };
        Self(registry.servers().iter().map(|server| read(server)).collect())
    }

    fn gauge(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        value: impl Fn(&Reading) -> usize,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for one in &self.0 {
            let value = u64::try_from(value(one)).unwrap_or(u64::MAX);
            let labels = [("server", &*one.server)];
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn bytes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Bytes exchanged with the processes of the server.";
        // The unit is the whole name after the prefix: `mcp_proxy_bytes_total`.
        let unit = Some(&Unit::Bytes);
        let mut family = encoder.encode_descriptor("mcp_proxy", help, unit, MetricType::Counter)?;
        for Reading { server, bytes: (to, from), .. } in &self.0 {
            for (direction, bytes) in [("to_server", *to), ("from_server", *from)] {
                let labels = [("server", &**server), ("direction", direction)];
                ConstCounter::new(bytes).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn restarts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (name, help) = ("mcp_proxy_restarts", "Processes that replaced a crashed one.");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for one in &self.0 {
            let labels = [("server", &*one.server)];
            ConstCounter::new(one.restarts).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Encodes a gauge for the servers that have a value.
    fn known(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help, unit): (&str, &str, Option<&Unit>),
        value: impl Fn(&Reading) -> Option<f64>,
    ) -> fmt::Result {
        if self.0.iter().all(|one| value(one).is_none()) {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for one in &self.0 {
            let Some(value) = value(one) else { continue };
            let labels = [("server", &*one.server)];
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn health(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "1 if the server works, 0 if its starts or its last check fail. Absent until it is tried.";
        self.known(encoder, ("mcp_proxy_server_up", help, None), |one| {
            Some(f64::from(u8::from(one.is_up?)))
        })?;
        let help = "When the last check of the server ended, in seconds since 1970.";
        let unit = Some(&Unit::Seconds);
        self.known(encoder, ("mcp_proxy_server_check_timestamp", help, unit), |one| {
            Some(Duration::from_secs(one.check?.0).as_secs_f64())
        })?;
        let help = "Duration of the last check of the server.";
        self.known(encoder, ("mcp_proxy_server_check_duration", help, unit), |one| {
            Some(Duration::from_millis(one.check?.1).as_secs_f64())
        })
    }
}

impl Collector for Servers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let children = ("mcp_proxy_children", "Processes of the server.");
        self.gauge(&mut encoder, children, |one| one.children)?;
        let sessions = ("mcp_proxy_sessions", "Open sessions of the server.");
        self.gauge(&mut encoder, sessions, |one| one.sessions)?;
        let calls = ("mcp_proxy_calls_in_flight", "Calls that wait for the server to respond.");
        self.gauge(&mut encoder, calls, |one| one.calls)?;
        self.bytes(&mut encoder)?;
        self.restarts(&mut encoder)?;
        self.health(&mut encoder)
    }
}
