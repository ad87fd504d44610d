//! The latest events in memory, for the reader of the inner interface.

use std::collections::VecDeque;

use gateway_contract::audit::now;
use parking_lot::Mutex;

/// The maximum size of the events that are kept, in bytes: some twenty thousand.
const CAPACITY: usize = 8 << 20;
/// The maximum size of a page, in bytes.
const PAGE: usize = 1 << 20;
/// The shift of the time in the number of the first event. It makes the numbers of a later process higher.
const RUN: u32 = 20;

/// The latest events, numbered in order. When the ring is full, the oldest are evicted.
pub struct Ring(Mutex<State>);

struct State {
    /// The number of the first event of this process.
    first: u64,
    /// The number of the next event.
    next: u64,
    events: VecDeque<Box<[u8]>>,
    bytes: usize,
}

/// A page of events in the order of their numbers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The number of the last event of the page.
    pub after: u64,
    /// The number of events that were evicted before they were read.
    pub lost: u64,
    /// The events, one per line.
    pub lines: Vec<u8>,
}

impl Default for Ring {
    fn default() -> Self {
        let first = (now() << RUN) | 1;
        Self(Mutex::new(State { first, next: first, events: VecDeque::new(), bytes: 0 }))
    }
}

impl Ring {
    /// Adds an event, a line of JSON with its line feed.
    pub(super) fn push(&self, line: Box<[u8]>) {
        let mut state = self.0.lock();
        state.bytes += line.len();
        state.next += 1;
        state.events.push_back(line);
        while state.bytes > CAPACITY {
            let Some(oldest) = state.events.pop_front() else { break };
            state.bytes -= oldest.len();
        }
    }

    /// Returns the events after the number `after`, up to one page. Zero is the position of a new reader,
    /// which has lost nothing.
    #[must_use]
    pub fn after(&self, after: u64) -> Page {
        let state = self.0.lock();
        let oldest = state.next - u64::try_from(state.events.len()).unwrap_or(0);
        // A position in the numbering of an earlier process precedes the first event of this one.
        let wanted = if after == 0 { oldest } else { after.saturating_add(1).max(state.first) };
        let start = wanted.clamp(oldest, state.next);
        let mut page =
            Page { after: start - 1, lost: start.saturating_sub(wanted), lines: Vec::new() };
        let skipped = usize::try_from(start - oldest).unwrap_or(usize::MAX);
        for line in state.events.iter().skip(skipped) {
            if page.lines.len() + line.len() > PAGE && !page.lines.is_empty() {
                break;
            }
            page.lines.extend_from_slice(line);
            page.after += 1;
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(page: &Page) -> Vec<&str> {
        std::str::from_utf8(&page.lines).unwrap().lines().collect()
    }

    #[test]
    fn a_reader_gets_each_event_once_and_learns_what_it_missed() {
        let ring = Ring::default();
        assert_eq!((ring.after(0).lost, ring.after(0).lines.len()), (0, 0));
        ring.push(Box::from(*b"a\n"));
        ring.push(Box::from(*b"b\n"));
        let page = ring.after(0);
        assert_eq!((lines(&page), page.lost), (vec!["a", "b"], 0));
        assert_eq!(ring.after(page.after), Page { after: page.after, ..Page::default() });
        ring.push(Box::from(*b"c\n"));
        assert_eq!(lines(&ring.after(page.after)), ["c"]);
        // Two large events push out all but the last one.
        for _ in 0..2 {
            ring.push(vec![b'x'; CAPACITY / 2 + 1].into());
        }
        let late = ring.after(page.after);
        assert_eq!((late.after, late.lost), (page.after + 3, 2));
        assert_eq!(ring.after(0).lost, 0);
        // The position of an earlier process.
        assert_eq!(ring.after(7).lost, 4);
        // A position from the future, as after a clock that went back.
        assert_eq!(ring.after(u64::MAX).lines.len(), 0);
    }

    #[test]
    fn pages_are_bounded_and_complete() {
        let ring = Ring::default();
        for n in 0..3000 {
            ring.push(format!("{n:01000}\n").into_bytes().into());
        }
        let (mut after, mut read) = (0, 0);
        loop {
            let page = ring.after(after);
            assert!(page.lines.len() <= PAGE && page.lost == 0);
            if page.lines.is_empty() {
                break;
            }
            (after, read) = (page.after, read + lines(&page).len());
        }
        assert_eq!(read, 3000);
    }
}
