//! The state of a request of a legacy server to a legacy client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::messages::splice::Payload;
use crate::messages::stream::Stream;
use crate::process::time::Time;

/// A request of the server on its way to a client.
pub(super) struct Ask {
    /// The server's id as JSON text.
    pub(super) id: Box<str>,
    /// The process that sent the request.
    pub(super) pid: u32,
    /// The server's progress token as JSON text.
    pub(super) token: Option<Box<str>>,
    /// The session that the request is meant for; `None` if any session of the instance may answer.
    pub(super) session: Option<u64>,
    /// `true` for a request for roots, on which any later client request may depend.
    pub(super) is_for_roots: bool,
    pub(super) at: At,
    pub(super) time: Time,
}

/// The delivery state of a server request.
pub(super) enum At {
    /// Queued, because no stream to a client is open.
    Waiting(Payload),
    /// Sent on a stream, although the client may not have read it.
    On(Arc<Stream>),
}

impl Ask {
    /// Withdraws the request, unless a client has it or is about to read it.
    pub(super) fn recall(&mut self, id: u64) -> Option<Payload> {
        match &mut self.at {
            At::Waiting(payload) => Some(std::mem::take(payload)),
            At::On(stream) if !stream.is_read() => stream.retract(id),
            At::On(_) => None,
        }
    }

    /// Returns the size of the queued request, in bytes.
    pub(super) fn waits(&self) -> usize {
        if let At::Waiting(payload) = &self.at { payload.len() } else { 0 }
    }
}

/// Returns a unique id for a request to a client. Servers reuse ids, at the latest after a restart.
pub(super) fn next_ask() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
