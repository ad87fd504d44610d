//! Audit events of both programs, one JSON object each.

mod event;
mod kind;

pub use event::{Client, Event, Outcome, Person};
pub use kind::EventKind;
