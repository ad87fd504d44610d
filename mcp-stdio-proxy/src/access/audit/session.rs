//! The audit events of a session.

use std::time::Instant;

use gateway_contract::audit::{Event, EventKind};

use super::{Audit, Source};

/// An open session, whose end is recorded when this is dropped.
pub struct OpenSession {
    audit: Audit,
    source: Source,
    server: String,
    begun: Instant,
}

impl OpenSession {
    /// Records that a session of `server` was opened.
    #[must_use]
    pub fn new(audit: Audit, source: Source, server: &str) -> Self {
        let session = Self { audit, source, server: server.to_owned(), begun: Instant::now() };
        session.report(EventKind::SessionStarted, None);
        session
    }

    fn report(&self, kind: EventKind, ms: Option<u64>) {
        self.audit.write(kind, |event: &mut Event<'_>| {
            event.server = Some((&*self.server).into());
            event.ms = ms;
            self.source.add_to(event);
            if kind == EventKind::SessionEnded {
                // The request that opened the session is over.
                event.request = None;
            }
        });
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.report(EventKind::SessionEnded, Some(ms));
    }
}
