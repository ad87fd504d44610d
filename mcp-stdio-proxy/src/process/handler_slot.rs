//! The place of the handler of server-initiated messages. A process may send some before anybody handles them: during its
//! start, or while it is warm. They are kept, within limits, until there is a handler.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::messages::line::Line;

/// The maximum number of messages that are kept.
const MESSAGES: usize = 64;
/// The maximum size in bytes of the messages that are kept.
const BYTES: usize = 64 << 10;

/// A handler, which is set once, and the messages that it has not received yet.
pub(super) struct HandlerSlot<H: ?Sized> {
    state: Mutex<State<H>>,
    /// Notified when the handler has received the messages that were kept.
    replayed: Notify,
}

enum State<H: ?Sized> {
    /// There is no handler yet. The oldest messages are dropped beyond the limits.
    Unset(Backlog),
    /// The handler is receiving the messages that were kept. Later ones follow them.
    Replaying(Backlog),
    Set(Arc<H>),
    /// The output has ended.
    Closed,
}

/// Messages in the order of their arrival.
#[derive(Default)]
struct Backlog {
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Backlog {
    fn push(&mut self, line: Line) {
        self.bytes += line.text().len();
        self.lines.push_back(line);
    }

    /// Adds `line`, and drops the oldest messages beyond the limits. Returns the number of dropped messages.
    fn push_within_limits(&mut self, line: &Line) -> usize {
        if line.text().len() > BYTES {
            return 1;
        }
        // The line may be a small part of a large buffer.
        self.push(Line::from(line.text().to_owned()));
        let mut dropped = 0;
        while self.lines.len() > MESSAGES || self.bytes > BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text().len();
            dropped += 1;
        }
        dropped
    }
}

impl<H: ?Sized> Default for HandlerSlot<H> {
    fn default() -> Self {
        let state = Mutex::new(State::Unset(Backlog::default()));
        Self { state, replayed: Notify::new() }
    }
}

impl<H: ?Sized> HandlerSlot<H> {
    /// Returns `true` if there is a handler that has received all messages that were kept.
    pub(super) fn is_set(&self) -> bool {
        matches!(*self.state.lock(), State::Set(_))
    }

    /// Returns the handler that `line` must be passed to. Keeps the line if there is none yet.
    pub(super) fn handler_of(&self, line: &Line) -> Option<Arc<H>> {
        let mut state = self.state.lock();
        match &mut *state {
            State::Set(handler) => return Some(Arc::clone(handler)),
            State::Replaying(backlog) => backlog.push(line.clone()),
            State::Unset(backlog) => {
                let dropped = backlog.push_within_limits(line);
                drop(state);
                if dropped > 0 {
                    log::debug!(
                        "{dropped} messages of a server are dropped: none handles them yet"
                    );
                }
            }
            State::Closed => {}
        }
        None
    }

    /// Sets the handler, and passes the messages that were kept to it by `replay`, in order. Later messages come after
    /// them. Does nothing if there is a handler, or the output has ended.
    pub(super) fn set(&self, handler: Arc<H>, replay: impl Fn(&H, &Line)) {
        let mut lines = {
            let mut state = self.state.lock();
            let State::Unset(backlog) = &mut *state else { return };
            let lines = take(&mut backlog.lines);
            *state = State::Replaying(Backlog::default());
            lines
        };
        loop {
            // Nothing is locked, since the handler may do anything.
            lines.drain(..).for_each(|line| replay(&handler, &line));
            let mut state = self.state.lock();
            match &mut *state {
                State::Replaying(backlog) if backlog.lines.is_empty() => {
                    *state = State::Set(handler);
                    break;
                }
                State::Replaying(backlog) => lines = take(&mut backlog.lines),
                State::Unset(_) | State::Set(_) | State::Closed => break,
            }
        }
        self.replayed.notify_one();
    }

    /// Waits while messages that were kept are passed to the handler, so that few are kept meanwhile. Only the reader of
    /// the output waits.
    pub(super) async fn replayed(&self) {
        while self.is_replaying() {
            self.replayed.notified().await;
        }
    }

    fn is_replaying(&self) -> bool {
        matches!(*self.state.lock(), State::Replaying(_))
    }

    /// Drops the handler, which may hold the process itself, and the messages that were kept.
    pub(super) fn close(&self) {
        let before = std::mem::replace(&mut *self.state.lock(), State::Closed);
        // The handler is dropped without the lock.
        drop(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Recorder = Mutex<Vec<String>>;

    fn line(text: &str) -> Line {
        Line::from(text.to_owned())
    }

    fn kept(texts: impl IntoIterator<Item = String>) -> Vec<String> {
        let (slot, handler) = (HandlerSlot::default(), Arc::new(Recorder::default()));
        for text in texts {
            assert!(slot.handler_of(&Line::from(text)).is_none());
        }
        slot.set(Arc::clone(&handler), |handler, line| handler.lock().push(line.text().into()));
        handler.lock().clone()
    }

    #[test]
    fn what_came_before_the_handler_comes_in_order_and_before_all_else() {
        let (slot, handler) = (HandlerSlot::default(), Arc::new(Recorder::default()));
        for text in ["a", "b"] {
            assert!(slot.handler_of(&line(text)).is_none());
        }
        slot.set(Arc::clone(&handler), |handler, got| {
            // Nothing is locked meanwhile. What arrives now is later.
            if got.text() == "a" {
                assert!(slot.handler_of(&line("c")).is_none() && !slot.is_set());
                slot.set(Arc::default(), |_, _| panic!("a second handler"));
            }
            handler.lock().push(got.text().into());
        });
        assert_eq!(*handler.lock(), ["a", "b", "c"]);
        assert!(Arc::ptr_eq(&slot.handler_of(&line("d")).unwrap(), &handler));
    }

    #[test]
    fn few_and_short_messages_are_kept_and_the_oldest_go() {
        let many = 2 * MESSAGES;
        let numbered: Vec<_> = (0..many).map(|count| count.to_string()).collect();
        assert_eq!(kept(numbered.clone()), numbered[MESSAGES..]);
        let large: Vec<_> = (0..5).map(|count| count.to_string().repeat(BYTES / 4)).collect();
        assert_eq!(kept(large.clone()), large[1..]);
        let too_large = "x".repeat(BYTES + 1);
        assert_eq!(kept(["a".to_owned(), too_large, "b".to_owned()]), ["a", "b"]);
    }

    #[tokio::test]
    async fn the_handler_is_dropped_at_the_end_and_none_is_taken_after_it() {
        let (slot, handler) = (HandlerSlot::default(), Arc::new(Recorder::default()));
        slot.set(Arc::clone(&handler), |_, _| {});
        slot.replayed().await;
        assert_eq!(Arc::strong_count(&handler), 2);
        slot.close();
        assert_eq!(Arc::strong_count(&handler), 1);
        slot.set(Arc::clone(&handler), |_, _| {});
        assert_eq!(Arc::strong_count(&handler), 1);
        assert!(slot.handler_of(&line("a")).is_none());
    }
}
