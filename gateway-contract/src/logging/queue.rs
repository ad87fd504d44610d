//! The bounded queue between the threads that log and the thread that writes. Logging never blocks.

use std::io;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// The capacity in bytes, enough for several thousand lines.
pub(super) const CAPACITY: usize = 1 << 20;

/// The pending log records and the number of dropped lines.
#[derive(Default)]
pub(super) struct Queue {
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
pub(super) struct Batch {
    pub(super) records: Vec<u8>,
    pub(super) dropped: u64,
}

/// Returns the number of lines in `records`.
pub(super) fn count_lines(records: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', records).count();
    u64::try_from(ends).unwrap_or(u64::MAX)
}

impl Queue {
    /// Adds one record, or counts its lines as dropped if the queue is full.
    pub(super) fn push(&self, record: &[u8]) {
        let mut state = self.state.lock();
        let fits = state.pending.len().saturating_add(record.len()) <= CAPACITY;
        if fits || state.writer == Some(thread::current().id()) {
            state.pending.extend_from_slice(record);
        } else {
            state.dropped = state.dropped.saturating_add(count_lines(record));
        }
        let wake = !state.writing;
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    /// Registers the calling thread as the writer.
    pub(super) fn own(&self) {
        self.state.lock().writer = Some(thread::current().id());
    }

    /// Waits for records and takes all of them. The empty `buffer` replaces them in the queue.
    pub(super) fn take(&self, mut buffer: Vec<u8>) -> Batch {
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
    pub(super) fn count_dropped(&self, lines: u64) {
        let mut state = self.state.lock();
        state.dropped = state.dropped.saturating_add(lines);
    }

    /// Lets records accumulate for `time`, or until a thread calls [`Self::flush`].
    pub(super) fn pause(&self, time: Duration) {
        let (mut state, end) = (self.state.lock(), Instant::now() + time);
        while !state.flushing && !self.work.wait_until(&mut state, end).timed_out() {}
    }

    /// Waits until all records are written, for `time` at most.
    pub(super) fn flush(&self, time: Duration) {
        let mut state = self.state.lock();
        state.flushing = true;
        self.work.notify_one();
        let end = Instant::now() + time;
        let waits = |state: &State| state.writing || !state.pending.is_empty() || state.dropped > 0;
        while waits(&state) && !self.idle.wait_until(&mut state, end).timed_out() {}
        state.flushing = false;
    }
}

/// The writer for the logger, which adds one record to the queue per call.
pub(super) struct Sink(pub(super) Arc<Queue>);

impl io::Write for Sink {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.push(record);
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
