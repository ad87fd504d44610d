//! A session of Streamable HTTP ("Session Management"): who it belongs to and its open streams.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway_contract::revision::Revision;
use parking_lot::Mutex;

use crate::audit::OpenSession;
use crate::stream::Stream;
use crate::sync::{now_ms, since_ms};

/// Streams of calls that can be resumed, per session.
const STREAMS: usize = 32;
/// The longest list of roots that is kept.
const LONGEST_ROOTS: usize = 64 << 10;
/// Bytes of ended streams kept for a client that comes back, per session.
const KEPT_BYTES: usize = 4 << 20;

/// What a session has said of its roots.
#[derive(Default)]
struct Roots {
    /// The process that was told, and the text of the list.
    told: Option<(u32, Arc<str>)>,
    /// Whether it has said that they have changed.
    have_changed: bool,
}

/// A session. One without an id serves the requests of a user whose client sends no id back.
pub struct Session {
    /// Its number in this process; never seen outside.
    pub serial: u64,
    /// Its id on the wire.
    pub id: Option<String>,
    /// The user it belongs to.
    pub principal: Option<Arc<str>>,
    /// What was negotiated.
    pub revision: Revision,
    /// What the server sends unasked.
    pub standing: Arc<Stream>,
    streams: Mutex<VecDeque<Arc<Stream>>>,
    /// From which level on it wants log messages.
    level: Mutex<Option<usize>>,
    /// The resources it has subscribed to.
    watched: Mutex<BTreeSet<String>>,
    roots: Mutex<Roots>,
    used: AtomicU64,
    /// The record of a session that a client has opened.
    opened: Mutex<Option<OpenSession>>,
}

impl Session {
    /// A session with the id `id`.
    #[must_use]
    pub fn new(id: Option<String>, principal: Option<Arc<str>>, revision: Revision) -> Arc<Self> {
        // Zero is the proxy itself.
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

    /// Keeps the record of the session, which reports its end.
    pub fn note_opened(&self, record: OpenSession) {
        *self.opened.lock() = Some(record);
    }

    /// Notes that the client was heard.
    pub fn touch(&self) {
        self.used.store(now_ms(), Ordering::Relaxed);
    }

    /// When the client was last heard.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// How long the client was not heard; an open stream counts as being heard.
    #[must_use]
    pub fn idle(&self) -> Duration {
        if self.standing.is_read() { Duration::ZERO } else { since_ms(self.used()) }
    }

    /// Keeps `stream`, so that the client can come back to it.
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

    /// From which level on it wants log messages.
    pub fn log_level(&self) -> Option<usize> {
        *self.level.lock()
    }

    /// Notes that it wants log messages from `level` on.
    pub fn set_log_level(&self, level: usize) {
        *self.level.lock() = Some(level);
    }

    /// The process that was told its roots, and the text of the list, unless they have changed since.
    pub fn roots(&self) -> Option<(u32, Arc<str>)> {
        self.roots.lock().told.clone()
    }

    /// Notes that it has told the process `pid` its roots, a list that is kept if it is short.
    pub fn set_roots(&self, pid: u32, list: &str) {
        let is_short = list.len() <= LONGEST_ROOTS;
        self.roots.lock().told = is_short.then(|| (pid, list.into()));
    }

    /// Notes that its roots have changed.
    pub fn change_roots(&self) {
        *self.roots.lock() = Roots { told: None, have_changed: true };
    }

    /// Returns `true` if it has ever said that its roots have changed.
    pub fn has_changed_roots(&self) -> bool {
        self.roots.lock().have_changed
    }

    /// Returns `true` if it waits for what its server says unasked: it reads a stream, or was heard within `recently`
    /// and has subscribed to resources.
    pub fn is_waiting(&self, recently: Duration) -> bool {
        self.standing.is_read()
            || (!self.watched.lock().is_empty() && since_ms(self.used()) < recently)
    }

    /// The resources it has subscribed to.
    pub fn watched(&self) -> BTreeSet<String> {
        self.watched.lock().clone()
    }

    /// Whether it has subscribed to the resource, or to one that it is a part of.
    pub fn watches(&self, uri: &str) -> bool {
        let part = |whole: &String| {
            let rest = uri.strip_prefix(whole.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty() || whole.ends_with('/') || rest.starts_with(['/', '?', '#'])
            })
        };
        self.watched.lock().iter().any(part)
    }

    /// Notes that it has subscribed to a resource; whether it had not.
    pub fn watch(&self, uri: &str) -> bool {
        self.watched.lock().insert(uri.to_owned())
    }

    /// Notes that it is no longer subscribed to a resource; whether it was.
    pub fn unwatch(&self, uri: &str) -> bool {
        self.watched.lock().remove(uri)
    }

    /// The stream with this name in event ids, if it is one of this session's.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<Arc<Stream>> {
        let named = |stream: &&Arc<Stream>| stream.name() == Some(name);
        Some(&self.standing)
            .filter(named)
            .cloned()
            .or_else(|| self.streams.lock().iter().find(named).cloned())
    }

    /// Ends every stream.
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
