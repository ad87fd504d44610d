//! Lines between the threads that log and the thread that writes: bounded, and never waited for.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// The most bytes that wait to be written: some thousand lines.
pub(super) const CAPACITY: usize = 1 << 20;

/// Records that wait, and the number of lines that found no room.
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
    /// The writer has records that are not yet written.
    writing: bool,
    flushing: bool,
    /// The writing thread, whose reports always find room.
    writer: Option<ThreadId>,
}

/// What the writer takes at once.
pub(super) struct Batch {
    pub(super) records: Vec<u8>,
    pub(super) dropped: u64,
}

/// The number of lines in `records`.
pub(super) fn count_lines(records: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', records).count();
    u64::try_from(ends).unwrap_or(u64::MAX)
}

impl Queue {
    /// No code here panics while it holds the lock, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one record, or counts its lines as dropped if there is no room.
    pub(super) fn push(&self, record: &[u8]) {
        let mut state = self.lock();
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

    /// Makes the calling thread the writer.
    pub(super) fn own(&self) {
        self.lock().writer = Some(thread::current().id());
    }

    /// Waits for records, and takes all of them in exchange for `buffer`, which is empty.
    pub(super) fn take(&self, mut buffer: Vec<u8>) -> Batch {
        let mut state = self.lock();
        state.writing = false;
        while state.pending.is_empty() && state.dropped == 0 {
            self.idle.notify_all();
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writing = true;
        std::mem::swap(&mut state.pending, &mut buffer);
        Batch { records: buffer, dropped: std::mem::take(&mut state.dropped) }
    }

    /// Counts `lines` that could not be written.
    pub(super) fn count_dropped(&self, lines: u64) {
        let mut state = self.lock();
        state.dropped = state.dropped.saturating_add(lines);
    }

    /// Lets records gather for `time`, unless somebody waits for them to be written.
    pub(super) fn pause(&self, time: Duration) {
        let state = self.lock();
        drop(self.work.wait_timeout_while(state, time, |state| !state.flushing));
    }

    /// Waits until all records are written, at most for `time`.
    pub(super) fn flush(&self, time: Duration) {
        let mut state = self.lock();
        state.flushing = true;
        self.work.notify_one();
        let waiting =
            |state: &mut State| state.writing || !state.pending.is_empty() || state.dropped > 0;
        let waited = self.idle.wait_timeout_while(state, time, waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.flushing = false;
    }
}

/// The end of the queue that the logger writes to, one record at a time.
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
