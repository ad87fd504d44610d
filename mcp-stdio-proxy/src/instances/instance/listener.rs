//! One client of 2026-07-28 that listens for changes.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::messages::json_edit::JsonEdit;
use crate::messages::message;
use crate::messages::splice::{Payload, span};
use crate::messages::stream::Stream;
use crate::messages::translate::subscription::{self, Filter};
use crate::process::Process;
use crate::process::submit;

/// A client of 2026-07-28 that listens for changes.
pub struct Listener {
    pub(super) serial: u64,
    /// The id of its request and of the subscription, as JSON text.
    pub(super) id: Box<str>,
    pub(super) filter: Filter,
    /// Its request, for a server of 2026-07-28.
    pub(super) text: Box<str>,
    /// The stream of its notifications.
    pub stream: Arc<Stream>,
    pub(super) at: Mutex<At>,
}

/// The state of the subscription at a server of 2026-07-28.
#[derive(Default)]
pub(super) struct At {
    pub(super) pid: u32,
    pub(super) id: u64,
    pub(super) acknowledged: bool,
}

impl Listener {
    /// Sends the request to `process`, a server of 2026-07-28.
    pub(super) fn ask(&self, process: &Process) {
        let Ok(envelope) = message::parse(&self.text) else { return };
        let token = envelope.params.and_then(message::asked_progress);
        process.submit_unregistered(|id| {
            let mut at = self.at.lock();
            (at.pid, at.id) = (process.pid, id);
            submit::renumbered(JsonEdit::of(&self.text), (envelope.id, token), id)
        });
    }

    /// Ends the subscription.
    pub(super) fn end(&self) {
        self.stream.answer(subscription::ended(&self.id).into());
    }

    /// Returns the answer of the server with the client's id.
    pub(super) fn answered(&self, line: &Bytes) -> Option<Payload> {
        let text = std::str::from_utf8(line).ok()?;
        let envelope = message::parse(text).ok()?;
        let id = span(text, envelope.id)?;
        let tag = envelope.result.and_then(subscription::tag).and_then(|tag| span(text, tag));
        let edits = [Some(id), tag].into_iter().flatten().map(|place| (place, self.id.to_string()));
        Some(Payload::edited(line, edits.collect()))
    }
}
