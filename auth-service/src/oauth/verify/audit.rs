//! Metrics and audit log of the decisions of `/verify`.

use gateway_contract::display::log_safe;
use log::Level;

use super::cached_token::{CachedToken, Part};
use crate::{
    metrics::{Decision, Gauges},
    model::{Fingerprint, McpServer, current_request},
    oauth::{Operation, Verifier},
    store::Trial,
};

impl Verifier {
    /// Counts and logs the decision on a request to `server`. `token` is the verified token, if there is one.
    pub(in crate::oauth) fn note(
        &self,
        server: &McpServer,
        operation: &Operation,
        token: Option<&CachedToken>,
        decision: Decision,
    ) {
        let (server, asked) = (server.name.as_str(), operation.asked());
        self.core.metrics.verified(server, decision, asked);
        let level = match decision {
            // The first request of a client has no token, and later ones are admitted: both are
            // routine.
            Decision::NoToken | Decision::Admitted => Level::Debug,
            _ => Level::Info,
        };
        if !log::log_enabled!(target: "audit", level) {
            return;
        }
        let text = |part| token.map_or("-", |token| token.text(part));
        let jti = token.map_or_else(
            || "-".to_owned(),
            |token| Fingerprint::of(token.text(Part::Jti)).to_string(),
        );
        let request = current_request().map_or_else(|| "-".to_owned(), |id| id.to_string());
        log::log!(
            target: "audit",
            level,
            request,
            server,
            tool = log_safe(asked.1.unwrap_or("-")),
            reason = decision.as_str(),
            subject = text(Part::Subject),
            client = text(Part::Client),
            jti_sha256 = jti;
            "verify: {}", if decision == Decision::Admitted { "admitted" } else { "refused" }
        );
    }

    /// Renders the page of `METRICS_LISTEN`.
    #[must_use]
    pub async fn metrics_page(&self) -> String {
        let writable = matches!(self.core.store.try_to_write().await, Ok(Trial::Written));
        self.core.metrics.render(Gauges {
            writable,
            link_up: self.core.store.is_tracking(),
            questions: self.core.store.liveness_lookups(),
            seen_tokens: self.cache.len(),
        })
    }
}
