//! Audit events of both programs, one JSON object each, and the log that they are written to.

mod event;
mod filter;
mod id;
mod kind;
mod output;
mod settings;
mod tail;
#[cfg(test)]
mod tests;
mod time;

pub use event::{Client, Event, Outcome, Person};
pub use filter::{Filter, UnknownKind};
pub use id::{Id, is_id};
pub use kind::EventKind;
pub use output::{AuditLog, FLUSH_INTERVAL};
pub use settings::{Settings, Target};
pub use time::{now, rfc3339};
