//! Audit events of the proxy: tool calls, sessions and server failures. They are written to the file of
//! `--audit-log`, and kept for a while for the gateway, which reads them on the inner interface.

mod call;
mod ring;
mod session;
mod source;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use gateway_contract::audit::{AuditLog, Event, EventKind, Outcome, Settings};

pub use call::ToolCall;
pub use ring::{Page, Ring};
pub use session::OpenSession;
pub use source::{Source, Who};

/// The name of this program in events.
const PROGRAM: &str = "mcp-stdio-proxy";

/// The writer of audit events. Clones write to the same file and ring.
#[derive(Clone)]
pub struct Audit(Arc<Outputs>);

struct Outputs {
    log: AuditLog,
    ring: Option<Ring>,
}

impl Default for Audit {
    /// Returns a writer that drops all events.
    fn default() -> Self {
        Self(Arc::new(Outputs { log: AuditLog::none(PROGRAM), ring: None }))
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Audit")
    }
}

impl Audit {
    /// Opens the file of `settings`. With `is_read`, the latest events are also kept for the inner interface.
    pub fn start(settings: &Settings, is_read: bool) -> io::Result<Self> {
        let log = AuditLog::start(settings, PROGRAM)?;
        Ok(Self(Arc::new(Outputs { log, ring: is_read.then(Ring::default) })))
    }

    /// Returns `true` if events of `kind` are recorded anywhere.
    #[must_use]
    pub fn records(&self, kind: EventKind) -> bool {
        (self.0.log.has_output() || self.0.ring.is_some()) && self.0.log.records(kind)
    }

    /// Returns the latest events, if they are kept.
    #[must_use]
    pub fn ring(&self) -> Option<&Ring> {
        self.0.ring.as_ref()
    }

    /// Returns the number of events that the file lacks.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.log.lost()
    }

    /// Writes an event of `kind`, if such events are recorded. `add` fills in the details.
    pub fn write<'a>(&'a self, kind: EventKind, add: impl FnOnce(&mut Event<'a>)) {
        if !self.records(kind) {
            return;
        }
        let mut event = Event::of(kind);
        add(&mut event);
        self.0.log.stamp(event, |line| {
            self.0.log.write_line(line);
            if let Some(ring) = &self.0.ring {
                ring.push(line.into());
            }
        });
    }

    /// Records that a process of `server` crashed or could not be started.
    pub fn server_failed(&self, server: &str, reason: &str) {
        self.write(EventKind::ServerFailed, |event| {
            event.outcome = Outcome::Failed;
            event.server = Some(server.to_owned().into());
            event.reason = Some(reason.to_owned().into());
        });
    }

    /// Waits until all events are written to the file, for at most half a second.
    pub fn flush(&self) {
        self.0.log.flush(Duration::from_millis(500));
    }
}
