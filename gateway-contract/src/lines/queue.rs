//! The bounded queue between the threads that add lines and the thread that writes them. Adding never blocks.

use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// The pending records and the number of dropped lines.
pub(crate) struct Queue {
    /// The maximum size of the pending records, in bytes.
    capacity: usize,
    state: Mutex<State>,
    work: Condvar,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    dropped: u64,
    /// `true` while the writer has records that it has not written yet.
    writing: bool,
    flushing: bool,
    /// The writer thread, whose own reports are never dropped.
    writer: Option<ThreadId>,
}

/// The records that the writer takes at once, and the lines dropped since the last batch.
pub(crate) struct Batch {
    pub(crate) records: Vec<u8>,
    pub(crate) dropped: u64,
}

/// Returns the number of lines in `records`.
pub(crate) fn count_lines(records: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', records).count();
    u64::try_from(ends).unwrap_or(u64::MAX)
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        let (state, work, idle) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self { capacity, state, work, idle }
    }

    /// Returns `true` if so much is pending that the writer should not wait for more.
    fn is_urgent(&self, state: &State) -> bool {
        state.pending.len() >= self.capacity / 4
    }

    /// Adds one record, or counts its lines as dropped if the queue is full.
    pub(crate) fn push(&self, record: &[u8]) {
        let mut state = self.state.lock();
        let fits = state.pending.len().saturating_add(record.len()) <= self.capacity;
        if fits || state.writer == Some(thread::current().id()) {
            state.pending.extend_from_slice(record);
        } else {
            state.dropped = state.dropped.saturating_add(count_lines(record));
        }
        let wake = !state.writing || self.is_urgent(&state);
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    /// Registers the calling thread as the writer.
    pub(crate) fn own(&self) {
        self.state.lock().writer = Some(thread::current().id());
    }

    /// Waits for records and takes all of them. The empty `buffer` replaces them in the queue.
    pub(crate) fn take(&self, mut buffer: Vec<u8>) -> Batch {
        let mut state = self.state.lock();
        state.writing = false;
        while state.pending.is_empty() && state.dropped == 0 {
            self.idle.notify_all();
            self.work.wait(&mut state);
        }
        state.writing = true;
        std::mem::swap(&mut state.pending, &mut buffer);
        Batch { records: buffer, dropped: std::mem::take(&mut state.dropped) }
    }

    /// Counts `lines` that could not be written as dropped.
    pub(crate) fn count_dropped(&self, lines: u64) {
        let mut state = self.state.lock();
        state.dropped = state.dropped.saturating_add(lines);
    }

    /// Lets records accumulate for `time`, or until the queue is a quarter full or a thread calls [`Self::flush`].
    pub(crate) fn pause(&self, time: Duration) {
        let (mut state, end) = (self.state.lock(), Instant::now() + time);
        let goes_on = |state: &State| !state.flushing && !self.is_urgent(state);
        while goes_on(&state) && !self.work.wait_until(&mut state, end).timed_out() {}
    }

    /// Waits until all records are written, for `time` at most.
    pub(crate) fn flush(&self, time: Duration) {
        let mut state = self.state.lock();
        state.flushing = true;
        self.work.notify_one();
        let end = Instant::now() + time;
        let waits = |state: &State| state.writing || !state.pending.is_empty() || state.dropped > 0;
        while waits(&state) && !self.idle.wait_until(&mut state, end).timed_out() {}
        state.flushing = false;
    }
}
