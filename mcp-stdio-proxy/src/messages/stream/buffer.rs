//! The state of a stream, with limits on what is kept for a client that is slow, absent or resumes later
//! (Streamable HTTP, "Resumability and Redelivery").

use std::collections::VecDeque;
use std::task::Waker;

use crate::messages::payload::Payload;

/// The maximum number of events that wait for a slow reader, per stream; beyond it, the oldest notifications
/// are dropped.
const WAITING_EVENTS: usize = 1024;
/// The maximum size in bytes of events that wait for a slow reader, per stream.
const WAITING_BYTES: usize = 4 << 20;
/// The number of waiting events from which on the process is slowed down (backpressure).
const CROWDED_EVENTS: u64 = 512;
/// The size of waiting events from which on the process is slowed down (backpressure).
const CROWDED_BYTES: usize = 2 << 20;
/// The maximum number of events that wait on a stream without a reader.
const UNREAD_EVENTS: usize = 64;
/// The maximum size in bytes of events that wait on a stream without a reader.
const UNREAD_BYTES: usize = 256 << 10;
/// The maximum size in bytes of read events kept for resumption, per stream.
const KEPT_BYTES: usize = 1 << 20;

/// The importance of a message when the reader is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// A notification, which may be dropped.
    Light,
    /// A request of the server or a response, which may not be dropped.
    Heavy,
}

/// A message with its number in the stream.
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) payload: Payload,
    weight: Weight,
    /// The key of a server request that can be retracted.
    key: Option<u64>,
}

/// The contents and the reader of a stream.
pub(super) struct State {
    pub(super) events: VecDeque<Event>,
    /// The number of the newest event; the first is 1.
    pub(super) last: u64,
    /// The number of the newest event that a reader has taken.
    pub(super) taken: u64,
    pub(super) bytes: usize,
    /// The number of responses still due; the stream ends with the last. `None` for a stream without a
    /// natural end.
    pub(super) due: Option<usize>,
    pub(super) closed: bool,
    /// The generation of the current reader; an older one ends.
    pub(super) reader: u64,
    pub(super) read: bool,
    pub(super) waker: Option<Waker>,
    /// `true` if the reader did not keep up. It exerts no backpressure until it has caught up.
    pub(super) left_behind: bool,
    /// The waker of the process that waits for the reader.
    pub(super) writer: Option<Waker>,
}

impl State {
    /// Adds an event and enforces the limits.
    pub(super) fn add(&mut self, payload: Payload, weight: Weight, key: Option<u64>) {
        self.last += 1;
        self.bytes += payload.len();
        self.events.push_back(Event { seq: self.last, payload, weight, key });
        self.forget_taken();
        self.shed();
    }

    /// Removes the request `key`, unless a reader has taken it.
    pub(super) fn retract(&mut self, key: u64) -> Option<Payload> {
        let taken = self.taken;
        let at = self.events.iter().position(|one| one.key == Some(key) && one.seq > taken)?;
        let event = self.events.remove(at)?;
        self.bytes -= event.payload.len();
        Some(event.payload)
    }

    /// Returns `true` if a reader has taken all events.
    pub(super) fn is_taken(&self) -> bool {
        self.events.back().is_none_or(|event| event.seq <= self.taken)
    }

    /// Removes the notifications that no reader has taken.
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

    /// Returns the waker of the waiting process, if the reader has caught up.
    pub(super) fn relieved(&mut self) -> Option<Waker> {
        if !self.has_caught_up() {
            return None;
        }
        self.left_behind = false;
        self.writer.take()
    }

    /// Drops the oldest events that were read, beyond the limit for resumption.
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

    /// Drops the oldest unread notifications beyond the limits.
    fn shed(&mut self) {
        let (bytes, events) =
            if self.read { (WAITING_BYTES, WAITING_EVENTS) } else { (UNREAD_BYTES, UNREAD_EVENTS) };
        while self.bytes > bytes || self.events.len() > events {
            let light = self.events.iter().position(|event| event.weight == Weight::Light);
            let Some(event) = light.and_then(|at| self.events.remove(at)) else { return };
            self.bytes -= event.payload.len();
            log::debug!("a client reads too slowly: a notification was dropped");
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
