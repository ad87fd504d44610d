//! Message streams to one client, bounded and resumable (Streamable HTTP, "Resumability").

mod buffer;
mod reader;

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::messages::payload::Payload;
use crate::random;
use buffer::State;
pub use buffer::Weight;
pub use reader::Reader;

/// One stream: the responses to a POST, or the server-initiated messages of a session.
pub struct Stream {
    /// The name of the stream in event ids, generated when first needed.
    name: OnceLock<Option<String>>,
    batch: bool,
    state: Mutex<State>,
}

/// The first outcome on the stream of a POST.
pub enum First {
    /// The only response, with no message before it.
    Answer(Payload),
    /// Other messages, to be read from the stream.
    More,
    /// The client cancelled its request and gets no response.
    Withdrawn,
    /// The stream ended without a response.
    Nothing,
}

impl Stream {
    /// Creates a stream that ends with the last of `answers` responses.
    #[must_use]
    pub fn answers(answers: usize) -> Arc<Self> {
        Self::new(Some(answers))
    }

    /// Creates a standing stream, which has no natural end.
    #[must_use]
    pub fn standing() -> Arc<Self> {
        Self::new(None)
    }

    fn new(due: Option<usize>) -> Arc<Self> {
        let state = State {
            events: std::collections::VecDeque::new(),
            last: 0,
            taken: 0,
            bytes: 0,
            due,
            closed: false,
            reader: 0,
            // The client of a call is waiting; a standing stream may have no reader.
            read: due.is_some(),
            waker: None,
            left_behind: false,
            writer: None,
        };
        Arc::new(Self {
            name: OnceLock::new(),
            batch: due.is_some_and(|answers| answers > 1),
            state: Mutex::new(state),
        })
    }

    /// Returns the unguessable name of the stream in event ids. Returns `None` if random numbers are
    /// unavailable.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.get_or_init(random::name).as_deref()
    }

    /// Adds a message that is not a response. Returns `false` if the stream has ended.
    pub fn push(&self, payload: Payload, weight: Weight) -> bool {
        self.change(|state| {
            if !state.closed {
                state.add(payload, weight, None);
            }
            !state.closed
        })
    }

    /// Adds a server request that can be retracted by `key`. Returns `false` if the stream has ended.
    pub fn push_keyed(&self, key: u64, payload: Payload) -> bool {
        self.change(|state| {
            if !state.closed {
                state.add(payload, Weight::Heavy, Some(key));
            }
            !state.closed
        })
    }

    /// Removes the request `key`, unless a reader has taken it.
    pub fn retract(&self, key: u64) -> Option<Payload> {
        self.state.lock().retract(key)
    }

    /// Moves unread notifications to `other`, unless a client reads this stream.
    pub fn hand_over(&self, other: &Self) {
        let moved = {
            let mut state = self.state.lock();
            if state.read || state.is_taken() { Vec::new() } else { state.take_light() }
        };
        for payload in moved {
            other.push(payload, Weight::Light);
        }
    }

    /// Adds a response; the last one due ends the stream.
    pub fn answer(&self, payload: Payload) {
        self.change(|state| {
            if !state.closed {
                state.due = state.due.map(|due| due.saturating_sub(1));
                state.closed = state.due == Some(0);
                state.add(payload, Weight::Heavy, None);
            }
        });
    }

    /// Reduces the number of responses due; the stream ends when none is left.
    pub fn withdraw(&self) {
        let writer = self.change(|state| {
            state.due = state.due.map(|due| due.saturating_sub(1));
            state.closed |= state.due == Some(0);
            state.writer.take_if(|_| state.closed)
        });
        writer.into_iter().for_each(Waker::wake);
    }

    /// Returns `true` if no event can ever follow event `seq`.
    #[must_use]
    pub fn is_over_after(&self, seq: u64) -> bool {
        let state = self.state.lock();
        state.closed && state.last <= seq
    }

    /// Ends the stream; its events can still be read.
    pub fn close(&self) {
        let writer = self.change(|state| {
            state.closed = true;
            state.writer.take()
        });
        writer.into_iter().for_each(Waker::wake);
    }

    /// Applies a change to the state, then wakes the reader. The reader may run on another thread, where it
    /// would wait for the lock if woken earlier.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (changed, waker) = {
            let mut state = self.state.lock();
            (change(&mut state), state.waker.take())
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        changed
    }

    /// Returns `true` if a client is reading the stream.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.state.lock().read
    }

    /// Returns `true` if the stream accepts no more events.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Returns the number of bytes in the stream.
    #[must_use]
    pub fn held(&self) -> usize {
        self.state.lock().bytes
    }

    /// Records that the client disconnected before anything was sent.
    pub fn abandon(&self) {
        let writer = {
            let mut state = self.state.lock();
            state.read = false;
            state.writer.take()
        };
        writer.into_iter().for_each(Waker::wake);
    }

    /// Returns `true` if the stream has a reader that is behind and should exert backpressure.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.state.lock().is_crowded()
    }

    /// Waits until the reader has caught up, or there is none to wait for.
    pub fn poll_relief(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.is_waited_for() || state.has_caught_up() {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Disables backpressure from the reader until it has caught up.
    pub fn leave_behind(&self) {
        self.state.lock().left_behind = true;
    }

    /// Waits for the first message, which decides between JSON and SSE.
    pub fn poll_first(&self, cx: &mut Context<'_>) -> Poll<First> {
        let mut state = self.state.lock();
        let alone = !self.batch && state.last == 1 && state.due == Some(0);
        if alone && let Some(event) = state.events.pop_front() {
            return Poll::Ready(First::Answer(event.payload));
        }
        if state.last > 0 {
            return Poll::Ready(First::More);
        }
        if state.closed {
            let withdrawn = state.due == Some(0);
            return Poll::Ready(if withdrawn { First::Withdrawn } else { First::Nothing });
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(reader: &mut Reader) -> Option<(u64, String)> {
        match reader.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some((seq, payload))) => {
                Some((seq, String::from_utf8(payload.to_bytes().to_vec()).unwrap()))
            }
            _ => None,
        }
    }

    fn text(text: &str) -> Payload {
        Payload::from(text.to_owned())
    }

    #[test]
    fn a_lone_answer_is_not_streamed_and_a_second_message_is() {
        let mut cx = Context::from_waker(Waker::noop());
        let quiet = Stream::answers(1);
        assert!(quiet.poll_first(&mut cx).is_pending());
        quiet.answer(text("a"));
        assert!(matches!(quiet.poll_first(&mut cx), Poll::Ready(First::Answer(_))));

        let chatty = Stream::answers(1);
        chatty.push(text("n"), Weight::Light);
        chatty.answer(text("a"));
        assert!(matches!(chatty.poll_first(&mut cx), Poll::Ready(First::More)));
        let mut reader = chatty.reader();
        assert_eq!(take(&mut reader), Some((1, "n".into())));
        assert_eq!(take(&mut reader), Some((2, "a".into())));
        assert!(matches!(reader.poll_next(&mut cx), Poll::Ready(None)));
    }

    #[test]
    fn a_new_reader_ends_the_old_one_and_resumes_where_told() {
        let stream = Stream::standing();
        let mut old = stream.reader();
        for word in ["a", "b", "c"] {
            stream.push(text(word), Weight::Light);
        }
        assert_eq!(take(&mut old), Some((1, "a".into())));
        let mut new = stream.reader_after(1);
        assert_eq!(take(&mut old), None);
        drop(old);
        assert!(stream.is_read());
        assert_eq!(take(&mut new), Some((2, "b".into())));
        drop(new);
        assert!(!stream.is_read());
        assert_eq!(take(&mut stream.reader()), Some((3, "c".into())));
    }
}
