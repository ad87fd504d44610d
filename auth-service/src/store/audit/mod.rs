//! The audit events in Redis: outboxes, the relay that empties them, and the stream for pages and commands.

pub(in crate::store) mod entry;
pub(in crate::store) mod feed;
pub(in crate::store) mod outbox;
pub(in crate::store) mod pages;
pub(in crate::store) mod refusals;
pub(in crate::store) mod relay;
pub(in crate::store) mod stream;

use std::sync::Arc;

use gateway_contract::audit::{AuditLog, EventKind};

use self::{entry::AuditEntry, refusals::Refusals, relay::Relay};
use super::{Error, Records};
use crate::model::Draft;

/// The audit events, and the audit log of this process.
pub struct AuditRecords {
    pub(in crate::store) records: Arc<Records>,
    /// The file or standard output, and which kinds of events are recorded.
    pub(in crate::store) log: AuditLog,
    /// The maximum number of events in the stream.
    pub(in crate::store) stream_max: usize,
    /// Events of no change, such as refusals, that are still to be written.
    pub(in crate::store) refusals: Refusals,
    pub(in crate::store) relay: tokio::sync::Mutex<Relay>,
}

impl AuditRecords {
    /// Returns a draft of an event of this moment.
    #[must_use]
    pub fn draft(&self, kind: EventKind) -> Draft<'_> {
        Draft::of(self.log.event(kind))
    }

    /// Returns the event of `draft` as an entry, or `None` if events of its kind are not recorded.
    #[must_use]
    pub fn entry(&self, draft: Draft<'_>) -> Option<AuditEntry> {
        self.log.records(draft.kind()).then(|| AuditEntry::of(draft))
    }

    /// Posts an event that no change in Redis comes with, such as one of a command. The relay moves it like the
    /// others.
    pub async fn post(&self, draft: Draft<'_>) -> Result<(), Error> {
        match self.entry(draft) {
            Some(entry) => self.records.post_alone(&entry).await,
            None => Ok(()),
        }
    }

    /// Returns `true` if events of `kind` are recorded.
    #[must_use]
    pub fn records(&self, kind: EventKind) -> bool {
        self.log.records(kind)
    }
}
