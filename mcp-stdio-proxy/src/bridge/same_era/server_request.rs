//! The state of a request of a legacy server to a legacy client.

use std::sync::Arc;

use crate::messages::payload::Payload;
use crate::messages::stream::Stream;
use crate::process::time::Time;

/// A request of the server on its way to a client.
pub(super) struct ServerRequest {
    /// The server's id as JSON text.
    pub(super) id: Box<str>,
    /// The server's progress token as JSON text.
    pub(super) token: Option<Box<str>>,
    /// The session that the request is meant for; `None` if any session of the instance may answer.
    pub(super) session: Option<u64>,
    /// `true` for a request for roots, on which any later client request may depend.
    pub(super) is_for_roots: bool,
    pub(super) place: Place,
    pub(super) time: Time,
}

/// The delivery state of a server request.
pub(super) enum Place {
    /// Queued, because no stream to a client is open.
    Queue(Payload),
    /// Sent on a stream, although the client may not have read it.
    Stream(Arc<Stream>),
}

impl ServerRequest {
    /// Withdraws the request, unless a client has it or is about to read it.
    pub(super) fn recall(&mut self, id: u64) -> Option<Payload> {
        match &mut self.place {
            Place::Queue(payload) => Some(std::mem::take(payload)),
            Place::Stream(stream) if !stream.is_read() => stream.retract(id),
            Place::Stream(_) => None,
        }
    }

    /// Returns the size of the queued request, in bytes.
    pub(super) fn queued(&self) -> usize {
        if let Place::Queue(payload) = &self.place { payload.len() } else { 0 }
    }
}
