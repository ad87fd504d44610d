//! A session of Streamable HTTP ("Session Management"): who it belongs to and its open streams.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::protocol::version::Revision;
use crate::stream::Stream;
use crate::sync::{lock, now_ms, since_ms};

/// Streams of calls that can be resumed, per session.
const STREAMS: usize = 32;
/// Bytes of ended streams kept for a client that comes back, per session.
const KEPT_BYTES: usize = 4 << 20;

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
    /// Where its server has no sessions: from which level on it wants log messages.
    level: Mutex<Option<usize>>,
    /// Where its server has no sessions: the resources it has subscribed to.
    watched: Mutex<BTreeSet<String>>,
    used: AtomicU64,
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
            used: now_ms().into(),
        })
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
        let mut streams = lock(&self.streams);
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
        *lock(&self.level)
    }

    /// Notes that it wants log messages from `level` on.
    pub fn set_log_level(&self, level: usize) {
        *lock(&self.level) = Some(level);
    }

    /// The resources it has subscribed to.
    pub fn watched(&self) -> BTreeSet<String> {
        lock(&self.watched).clone()
    }

    /// Whether it has subscribed to the resource, or to one that it is a part of.
    pub fn watches(&self, uri: &str) -> bool {
        let part = |whole: &String| {
            let rest = uri.strip_prefix(whole.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty() || whole.ends_with('/') || rest.starts_with(['/', '?', '#'])
            })
        };
        lock(&self.watched).iter().any(part)
    }

    /// Notes that it has subscribed to a resource; whether it had not.
    pub fn watch(&self, uri: &str) -> bool {
        lock(&self.watched).insert(uri.to_owned())
    }

    /// Notes that it is no longer subscribed to a resource; whether it was.
    pub fn unwatch(&self, uri: &str) -> bool {
        lock(&self.watched).remove(uri)
    }

    /// The stream with this name in event ids, if it is one of this session's.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<Arc<Stream>> {
        let named = |stream: &&Arc<Stream>| stream.name() == Some(name);
        Some(&self.standing)
            .filter(named)
            .cloned()
            .or_else(|| lock(&self.streams).iter().find(named).cloned())
    }

    /// Ends every stream.
    pub fn close(&self) {
        self.standing.close();
        for stream in lock(&self.streams).drain(..) {
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
        assert!(lock(&session.streams).len() <= STREAMS);
        assert!(session.stream(open.name().unwrap()).is_some());
        assert!(session.stream(session.standing.name().unwrap()).is_some());
        assert!(session.stream(Stream::standing().name().unwrap()).is_none());
    }
}
