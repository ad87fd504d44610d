//! Metrics and audit events of the decisions of `/verify`.

use gateway_contract::audit::EventKind;

use super::cached_token::{CachedToken, Part};
use crate::{
    metrics::{Decision, Gauges},
    model::{Caller, ClientId, Identifier, McpServer, User, current_request},
    oauth::{Operation, Origin, Verifier},
    store::Trial,
};

impl Verifier {
    /// Counts the decision on a request to `server`, and notes the event of it. `token` is the verified token, if there is one.
    pub(in crate::oauth) fn note<'a>(
        &self,
        server: &McpServer,
        operation: &Operation,
        token: Option<&CachedToken>,
        (decision, origin): (Decision, Option<impl FnOnce() -> Origin<'a>>),
    ) {
        let (server, asked) = (server.name.as_str(), operation.asked());
        self.core.metrics.verified(server, decision, asked);
        let kind = match decision {
            // The first request of a client has no token. A failure of the gateway is no refusal.
            Decision::NoToken | Decision::Unavailable => return,
            Decision::Admitted => EventKind::AccessAdmitted,
            _ => EventKind::AccessDenied,
        };
        let audit = &self.core.store.audit;
        if !audit.records(kind) {
            return;
        }
        let mut draft = audit.draft(kind).servers(server).tool(asked.1);
        if let Some(token) = token {
            let text = |part| token.text(part).to_owned();
            let user = User { subject: text(Part::Subject), name: text(Part::Name), email: None };
            draft = draft.actor(&user);
            let client = ClientId::parsed(token.text(Part::Client));
            draft = draft.client(&client, token.text(Part::ClientName));
            draft = draft.grant_id(&Identifier::parsed(token.text(Part::Grant)));
        }
        if let Some(Origin { address, user_agent }) = origin.map(|origin| origin()) {
            let caller = Caller {
                address,
                user_agent: user_agent.map(str::to_owned),
                request_id: current_request().map(|id| id.to_string()),
            };
            draft = draft.from(&caller);
        }
        audit.tell(match decision {
            Decision::Admitted => draft,
            _ => draft.denied(decision.as_str()),
        });
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
            audit_lost: self.core.store.audit.lost(),
        })
    }
}
