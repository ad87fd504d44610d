//! Audit events that are about to be written.

use gateway_contract::audit::{EventKind, Outcome};

use crate::model::Draft;

/// An audit event as a line of JSON, with what its writers need to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The unique id.
    pub(in crate::store) id: Box<str>,
    /// The event as JSON, without a line feed.
    pub(in crate::store) line: Box<str>,
    /// `true` if somebody whom the gateway does not know can cause any number of such events.
    pub(in crate::store) is_by_anybody: bool,
}

impl AuditEntry {
    pub(super) fn of(draft: Draft<'_>) -> Self {
        let event = draft.into_event();
        // Registration needs no login. A refusal without a person needs no valid credential.
        let of_client = matches!(
            event.event,
            EventKind::ClientRegistered
                | EventKind::ClientUpdated
                | EventKind::ClientDeleted
                | EventKind::RateLimited
        );
        let is_known = event.actor.is_some() || event.target.is_some();
        let is_by_anybody = !is_known && (of_client || event.outcome != Outcome::Ok);
        // Events have no member that JSON cannot represent.
        let line = serde_json::to_string(&event).unwrap_or_default().into();
        Self { id: event.id.into(), line, is_by_anybody }
    }
}
