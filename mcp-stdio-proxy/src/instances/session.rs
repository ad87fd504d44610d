//! A session of Streamable HTTP ("Session Management"): its owner and its open streams.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway_contract::revision::Revision;
use parking_lot::Mutex;

use crate::access::audit::OpenSession;
use crate::clock::{now_ms, since_ms};
use crate::messages::stream::Stream;

/// The maximum number of resumable call streams per session.
const STREAMS: usize = 32;
/// The maximum length of a list of roots to keep.
const LONGEST_ROOTS: usize = 64 << 10;
/// The maximum size in bytes of ended streams kept for resumption, per session.
const KEPT_BYTES: usize = 4 << 20;

/// The roots of a session.
#[derive(Default)]
struct Roots {
    /// The generation of the process that received the roots, and the list as JSON text.
    told: Option<(u64, Arc<str>)>,
    /// `true` if the session has ever announced changed roots.
    have_changed: bool,
}

/// A session. One without an id serves the requests of a user whose client sends no session id.
pub struct Session {
    /// The number of the session in this process, which is internal.
    pub serial: u64,
    /// The session id on the wire.
    pub id: Option<String>,
    /// The user that the session belongs to.
    pub principal: Option<Arc<str>>,
    /// The negotiated protocol revision.
    pub revision: Revision,
    /// The standing stream, for server-initiated messages.
    pub standing: Arc<Stream>,
    streams: Mutex<VecDeque<Arc<Stream>>>,
    /// The minimum log level that the session wants.
    level: Mutex<Option<usize>>,
    /// The resources that the session has subscribed to.
    watched: Mutex<BTreeSet<String>>,
    roots: Mutex<Roots>,
    used: AtomicU64,
    /// The audit record of a session that a client has opened.
    opened: Mutex<Option<OpenSession>>,
}

impl Session {
    /// Creates a session with the id `id`.
    #[must_use]
    pub fn new(id: Option<String>, principal: Option<Arc<str>>, revision: Revision) -> Arc<Self> {
        // Zero stands for the proxy itself.
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            id,
            principal,
            revision,
            standing: Stream::standing(),
            streams: Mutex::default(),
            level: Mutex::default(),
            watched: Mutex::default(),
            roots: Mutex::default(),
            used: now_ms().into(),
            opened: Mutex::default(),
        })
    }

    /// Keeps the audit record of the session, which reports its end.
    pub fn note_opened(&self, record: OpenSession) {
        *self.opened.lock() = Some(record);
    }

    /// Records a request of the client.
    pub fn touch(&self) {
        self.used.store(now_ms(), Ordering::Relaxed);
    }

    /// Returns the time of the client's last request, in milliseconds.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns the time since the client's last request. A session with an open standing stream is never
    /// idle.
    #[must_use]
    pub fn idle(&self) -> Duration {
        if self.standing.is_read() { Duration::ZERO } else { since_ms(self.used()) }
    }

    /// Keeps `stream` for resumption and evicts older ones beyond the limits.
    pub fn keep(&self, stream: &Arc<Stream>) {
        let mut streams = self.streams.lock();
        streams.push_back(Arc::clone(stream));
        let mut held: usize = streams.iter().map(|stream| stream.held()).sum();
        while streams.len() > STREAMS || held > KEPT_BYTES {
            let ended = streams.iter().position(|stream| stream.is_closed()).unwrap_or(0);
            let Some(stream) = streams.remove(ended) else { return };
            held -= held.min(stream.held());
        }
    }

    /// Moves what waits on `stream`, which no client will read, to the standing stream.
    pub fn take_back(&self, stream: &Arc<Stream>) {
        stream.abandon();
        stream.hand_over(&self.standing);
    }

    /// Returns the minimum log level that the session wants.
    pub fn log_level(&self) -> Option<usize> {
        *self.level.lock()
    }

    /// Sets the minimum log level that the session wants.
    pub fn set_log_level(&self, level: usize) {
        *self.level.lock() = Some(level);
    }

    /// Returns the generation of the process that received the roots and the list as JSON text, unless the roots
    /// have changed since.
    pub fn roots(&self) -> Option<(u64, Arc<str>)> {
        self.roots.lock().told.clone()
    }

    /// Records the list of roots that the process `generation` has received. An overlong list is not kept.
    pub fn set_roots(&self, generation: u64, list: &str) {
        let is_short = list.len() <= LONGEST_ROOTS;
        self.roots.lock().told = is_short.then(|| (generation, list.into()));
    }

    /// Records that the roots have changed.
    pub fn change_roots(&self) {
        *self.roots.lock() = Roots { told: None, have_changed: true };
    }

    /// Returns `true` if the session has ever announced changed roots.
    pub fn has_changed_roots(&self) -> bool {
        self.roots.lock().have_changed
    }

    /// Returns `true` if the session waits for server-initiated messages: its standing stream is read, or it
    /// has subscriptions and sent a request within `recently`.
    pub fn is_waiting(&self, recently: Duration) -> bool {
        self.standing.is_read()
            || (!self.watched.lock().is_empty() && since_ms(self.used()) < recently)
    }

    /// Returns the resources that the session has subscribed to.
    pub fn watched(&self) -> BTreeSet<String> {
        self.watched.lock().clone()
    }

    /// Returns `true` if the session has subscribed to the resource or to one that contains it.
    pub fn watches(&self, uri: &str) -> bool {
        let part = |whole: &String| {
            let rest = uri.strip_prefix(whole.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty() || whole.ends_with('/') || rest.starts_with(['/', '?', '#'])
            })
        };
        self.watched.lock().iter().any(part)
    }

    /// Adds a subscription to a resource. Returns `true` if it is new.
    pub fn watch(&self, uri: &str) -> bool {
        self.watched.lock().insert(uri.to_owned())
    }

    /// Removes a subscription to a resource. Returns `true` if it existed.
    pub fn unwatch(&self, uri: &str) -> bool {
        self.watched.lock().remove(uri)
    }

    /// Returns the stream of this session with the given name in event ids.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<Arc<Stream>> {
        let named = |stream: &&Arc<Stream>| stream.name() == Some(name);
        Some(&self.standing)
            .filter(named)
            .cloned()
            .or_else(|| self.streams.lock().iter().find(named).cloned())
    }

    /// Closes all streams of the session.
    pub fn close(&self) {
        drop(self.opened.lock().take());
        self.standing.close();
        for stream in self.streams.lock().drain(..) {
            stream.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_kept_in_bounds_and_open_ones_longest() {
        let session = Session::new(None, None, Revision::of("2025-11-25"));
        let open = Stream::answers(1);
        session.keep(&open);
        for _ in 0..(2 * STREAMS) {
            let ended = Stream::answers(1);
            ended.answer(String::from("x").into());
            session.keep(&ended);
        }
        assert!(session.streams.lock().len() <= STREAMS);
        assert!(session.stream(open.name().unwrap()).is_some());
        assert!(session.stream(session.standing.name().unwrap()).is_some());
        assert!(session.stream(Stream::standing().name().unwrap()).is_none());
    }
}
