//! The reader of a stream; a new one replaces the previous (Streamable HTTP, "Resumability").

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Stream;
use crate::messages::payload::Payload;

impl Stream {
    /// Returns a reader of the events that no reader has taken. An earlier reader ends.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> Reader {
        let taken = self.state.lock().taken;
        self.reader_after(taken)
    }

    /// Returns a reader of the events after `seq`, as far as they are kept. An earlier reader ends.
    #[must_use]
    pub fn reader_after(self: &Arc<Self>, seq: u64) -> Reader {
        let generation = self.change(|state| {
            state.reader += 1;
            state.read = true;
            state.reader
        });
        Reader { stream: Arc::clone(self), generation, after: seq }
    }
}

/// A client that reads a stream.
pub struct Reader {
    stream: Arc<Stream>,
    generation: u64,
    after: u64,
}

impl Reader {
    /// Returns the name of the stream in event ids.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.stream.name()
    }

    /// Returns the next event and its number. Returns `None` when the stream has ended or another reader has
    /// taken over.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(u64, Payload)>> {
        let mut state = self.stream.state.lock();
        if state.reader != self.generation {
            return Poll::Ready(None);
        }
        let at = state.events.partition_point(|event| event.seq <= self.after);
        if let Some(event) = state.events.get(at) {
            let (seq, payload) = (event.seq, event.payload.clone());
            self.after = seq;
            state.taken = state.taken.max(seq);
            state.forget_taken();
            let writer = state.relieved();
            drop(state);
            writer.into_iter().for_each(Waker::wake);
            return Poll::Ready(Some((seq, payload)));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let writer = {
            let mut state = self.stream.state.lock();
            if state.reader != self.generation {
                return;
            }
            state.read = false;
            state.waker = None;
            state.writer.take()
        };
        writer.into_iter().for_each(Waker::wake);
    }
}
