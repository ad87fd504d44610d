//! One subscription of a client of 2026-07-28 (MCP "Subscriptions").

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::messages::stream::Stream;
use crate::messages::translate::subscription::{self, Filter};

/// A subscription of a client of 2026-07-28.
pub struct Listener {
    /// The number of the subscription in this process, which is internal.
    pub serial: u64,
    /// The id of the request and of the subscription, as JSON text.
    pub id: Box<str>,
    /// The notifications that the client receives.
    pub filter: Filter,
    /// The request as the client sent it.
    pub text: Box<str>,
    /// The stream of its notifications.
    pub stream: Arc<Stream>,
    /// `true` once the client has received the acknowledgement.
    is_acknowledged: AtomicBool,
}

impl Listener {
    /// Creates the subscription of the request `text` with the id `id`.
    #[must_use]
    pub fn new(id: &str, filter: Filter, text: &str) -> Arc<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            id: id.into(),
            filter,
            text: text.into(),
            stream: Stream::answers(1),
            is_acknowledged: AtomicBool::new(false),
        })
    }

    /// Records the acknowledgement. Returns `true` for the first: the client does not learn that its process was
    /// replaced.
    pub fn acknowledge(&self) -> bool {
        !self.is_acknowledged.swap(true, Ordering::Relaxed)
    }

    /// Ends the subscription.
    pub fn end(&self) {
        self.stream.answer(subscription::ended(&self.id).into());
    }
}
