//! The bounds of a stream: what is kept for a client that is slow, absent or comes back
//! (Streamable HTTP, "Resumability and Redelivery").

use std::collections::VecDeque;
use std::task::Waker;

use super::Weight;
use crate::protocol::splice::Payload;

/// Notifications that wait for a slow reader, per stream; then the oldest are lost.
const WAITING_EVENTS: usize = 1024;
/// Bytes of notifications that wait for a slow reader, per stream.
const WAITING_BYTES: usize = 4 << 20;
/// From then on the child is kept waiting for the reader.
const CROWDED_EVENTS: u64 = 512;
/// From then on the child is kept waiting for the reader.
const CROWDED_BYTES: usize = 2 << 20;
/// The same for a stream that no client is reading.
const UNREAD_EVENTS: usize = 64;
/// The same for a stream that no client is reading.
const UNREAD_BYTES: usize = 256 << 10;
/// Bytes kept for a client that comes back, per stream.
const KEPT_BYTES: usize = 1 << 20;

/// A message on its way.
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) payload: Payload,
    weight: Weight,
    /// The request of the server that it is.
    key: Option<u64>,
}

/// What a stream holds, and who reads it.
pub(super) struct State {
    pub(super) events: VecDeque<Event>,
    /// The number of the newest event; the first is 1.
    pub(super) last: u64,
    /// The newest event that a reader took.
    pub(super) taken: u64,
    pub(super) bytes: usize,
    /// Answers still to come; the stream ends with the last. `None`: it has no end of its own.
    pub(super) due: Option<usize>,
    pub(super) closed: bool,
    /// Which reader is the current one; an older one ends.
    pub(super) reader: u64,
    pub(super) read: bool,
    pub(super) waker: Option<Waker>,
    /// The reader did not keep up: nobody waits for it until it has caught up.
    pub(super) left_behind: bool,
    /// The child that waits for the reader.
    pub(super) writer: Option<Waker>,
}

impl State {
    /// Adds an event within the bounds.
    pub(super) fn add(&mut self, payload: Payload, weight: Weight, key: Option<u64>) {
        self.last += 1;
        self.bytes += payload.len();
        self.events.push_back(Event { seq: self.last, payload, weight, key });
        self.forget_taken();
        self.shed();
    }

    /// Takes the request `key` out, if no reader has taken it.
    pub(super) fn retract(&mut self, key: u64) -> Option<Payload> {
        let taken = self.taken;
        let at = self.events.iter().position(|one| one.key == Some(key) && one.seq > taken)?;
        let event = self.events.remove(at)?;
        self.bytes -= event.payload.len();
        Some(event.payload)
    }

    /// Returns `true` if a reader has taken all there is.
    pub(super) fn is_taken(&self) -> bool {
        self.events.back().is_none_or(|event| event.seq <= self.taken)
    }

    /// Takes out the notifications that no reader has taken.
    pub(super) fn take_light(&mut self) -> Vec<Payload> {
        let first = self.events.partition_point(|event| event.seq <= self.taken);
        let (mut moved, unread) = (Vec::new(), self.events.split_off(first));
        for event in unread {
            if event.weight == Weight::Light {
                self.bytes -= event.payload.len();
                moved.push(event.payload);
            } else {
                self.events.push_back(event);
            }
        }
        moved
    }

    pub(super) fn is_waited_for(&self) -> bool {
        self.read && !self.closed && !self.left_behind
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.is_waited_for()
            && (self.last - self.taken > CROWDED_EVENTS || self.bytes > CROWDED_BYTES)
    }

    pub(super) fn has_caught_up(&self) -> bool {
        self.last - self.taken <= CROWDED_EVENTS / 2 && self.bytes <= CROWDED_BYTES
    }

    /// Whom to wake because the reader has caught up.
    pub(super) fn relieved(&mut self) -> Option<Waker> {
        if !self.has_caught_up() {
            return None;
        }
        self.left_behind = false;
        self.writer.take()
    }

    /// Drops the oldest events that were read, beyond what is kept for a client that comes back.
    pub(super) fn forget_taken(&mut self) {
        while self.bytes > KEPT_BYTES || self.events.len() > WAITING_EVENTS {
            match self.events.front() {
                Some(event) if event.seq <= self.taken => {}
                _ => return,
            }
            if let Some(event) = self.events.pop_front() {
                self.bytes -= event.payload.len();
            }
        }
    }

    /// Drops the oldest notifications nobody read, when too many wait.
    fn shed(&mut self) {
        let (bytes, events) =
            if self.read { (WAITING_BYTES, WAITING_EVENTS) } else { (UNREAD_BYTES, UNREAD_EVENTS) };
        while self.bytes > bytes || self.events.len() > events {
            let light = self.events.iter().position(|event| event.weight == Weight::Light);
            let Some(event) = light.and_then(|at| self.events.remove(at)) else { return };
            self.bytes -= event.payload.len();
            log::debug!("a client reads too slowly: a notification is lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reader, Stream};
    use super::*;
    use std::task::{Context, Poll};

    fn take(reader: &mut Reader) -> Option<Payload> {
        match reader.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some((_, payload))) => Some(payload),
            _ => None,
        }
    }

    fn text(text: &str) -> Payload {
        Payload::from(text.to_owned())
    }

    #[test]
    fn an_absent_reader_loses_notifications_but_no_request_and_no_answer() {
        let stream = Stream::answers(1);
        stream.abandon();
        stream.push(text("request"), Weight::Heavy);
        for _ in 0..(2 * WAITING_EVENTS) {
            stream.push(text("n"), Weight::Light);
        }
        stream.answer(text("answer"));
        let mut reader = stream.reader();
        let all: Vec<_> = std::iter::from_fn(|| take(&mut reader)).collect();
        assert!(all.len() <= UNREAD_EVENTS + 1);
        assert_eq!(all.first().unwrap().to_bytes(), "request");
        assert_eq!(all.last().unwrap().to_bytes(), "answer");
    }

    #[test]
    fn what_was_read_is_kept_only_up_to_a_bound() {
        let stream = Stream::standing();
        let mut reader = stream.reader();
        for _ in 0..8 {
            stream
                .push(Payload::from(bytes::Bytes::from(vec![b'x'; KEPT_BYTES / 2])), Weight::Heavy);
            assert!(take(&mut reader).is_some());
        }
        assert!(stream.held() <= KEPT_BYTES, "{}", stream.held());
    }
}
