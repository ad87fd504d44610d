//! Periodic checks of all servers, if configured.

use std::sync::Arc;
use std::time::Duration;

use gateway_contract::reports::CheckOutcome;
use tokio::time::{MissedTickBehavior, interval};

use super::check;
use crate::sessions::SessionRegistry;

/// Checks each server of `registry` once per `every`, sequentially, until the proxy shuts down.
pub async fn run(registry: Arc<SessionRegistry>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for server in registry.servers() {
            if registry.is_draining() {
                return;
            }
            let before = server.checks.last().map(|last| last.report.outcome);
            let report = check(&registry, &server).await.report;
            if before == Some(report.outcome) {
                continue;
            }
            let (server, ms) = (&*server.name, report.ms);
            match report.outcome {
                CheckOutcome::Ok => log::info!(server, ms; "the check of \"{server}\" succeeded"),
                CheckOutcome::Failed => {
                    let why = report.error.unwrap_or_default();
                    log::warn!(server, ms; "the check of \"{server}\" failed: {why}");
                }
            }
        }
    }
}
