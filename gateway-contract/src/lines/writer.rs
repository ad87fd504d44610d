//! The thread that writes a queue of lines and reports dropped ones.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

use super::appender::{Appender, Unwritten};
use super::queue::{Batch, Queue};

/// The pause after a failed write, for instance to a full disk.
const RETRY: Duration = Duration::from_millis(500);
/// The capacity up to which a buffer is reused. A larger one is freed, unless its batch filled half of it.
const KEPT: usize = 64 << 10;
/// The stack size of the thread, which formats one line at a time.
const STACK: usize = 256 << 10;

/// What the writer reports, on its own thread.
pub(crate) enum Notice<'a> {
    /// This many lines were dropped, and the output accepts lines again. The report adds one line to the queue.
    Dropped(u64),
    /// The output fails, for the first time since it last accepted lines.
    Failing(&'a io::Error),
}

/// The name and the rhythm of a writer.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// The name of the thread.
    pub(crate) name: &'static str,
    /// The pause after a write. Under load, lines accumulate, so that one wake-up and one write serve many.
    pub(crate) gather: Duration,
}

/// Starts the thread that appends the records in `queue` to `out`, and passes what happens to `report`.
pub(crate) fn start(
    pace: Pace,
    queue: Arc<Queue>,
    out: Arc<Mutex<Appender>>,
    report: impl FnMut(Notice<'_>) + Send + 'static,
) -> io::Result<()> {
    let run = move || {
        queue.own();
        Writer { pace, queue, out, report, reported: 0, fails: false }.run();
    };
    thread::Builder::new().name(pace.name.to_owned()).stack_size(STACK).spawn(run).map(drop)
}

struct Writer<R> {
    pace: Pace,
    queue: Arc<Queue>,
    out: Arc<Mutex<Appender>>,
    report: R,
    /// The number of dropped lines in a report that is not written yet.
    reported: u64,
    /// `true` if the last write failed.
    fails: bool,
}

impl<R: FnMut(Notice<'_>)> Writer<R> {
    fn run(mut self) {
        let mut buffer = Vec::new();
        loop {
            let Batch { mut records, dropped } = self.queue.take(buffer);
            let result = self.out.lock().append(&records);
            match result {
                Ok(()) => {
                    self.fails = false;
                    self.reported = dropped;
                    if dropped > 0 {
                        (self.report)(Notice::Dropped(dropped));
                    }
                    self.queue.pause(self.pace.gather);
                }
                Err(unwritten) => self.fail(dropped, &unwritten),
            }
            let is_kept = records.capacity() <= KEPT.max(2 * records.len());
            records.clear();
            buffer = if is_kept { records } else { Vec::new() };
        }
    }

    fn fail(&mut self, dropped: u64, Unwritten { lines, error }: &Unwritten) {
        // The lost records include the report itself, which no caller added.
        let reported = self.reported.saturating_sub(1);
        self.reported = 0;
        self.queue.count_dropped(lines.saturating_add(dropped).saturating_add(reported));
        if !std::mem::replace(&mut self.fails, true) {
            (self.report)(Notice::Failing(error));
        }
        thread::sleep(RETRY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Instant;

    use crate::lines::appender::Output;
    use crate::lines::queue::count_lines;

    const CAPACITY: usize = 1 << 20;

    /// A writer that blocks until the test decides the result of the next write.
    struct Gate {
        next: Receiver<io::Result<usize>>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let most = self.next.recv().unwrap()?;
            let now = &bytes[..most.min(bytes.len())];
            self.written.send(now.to_vec()).unwrap();
            Ok(now.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Output for Gate {}

    fn gated(
        report: impl FnMut(Notice<'_>) + Send + 'static,
    ) -> (Arc<Queue>, Sender<io::Result<usize>>, Receiver<Vec<u8>>) {
        let queue = Arc::new(Queue::new(CAPACITY));
        let (open, next) = channel();
        let (written, read) = channel();
        let out = Arc::new(Mutex::new(Appender::new(Gate { next, written })));
        let pace = Pace { name: "test", gather: Duration::from_millis(5) };
        start(pace, Arc::clone(&queue), out, report).unwrap();
        (queue, open, read)
    }

    #[test]
    fn p10_a_full_queue_drops_counts_and_reports() {
        let reported = Arc::new(Mutex::new(0));
        let report = Arc::clone(&reported);
        let (queue, open, read) = gated(move |notice| match notice {
            Notice::Dropped(lines) => *report.lock() += lines,
            Notice::Failing(error) => panic!("{error}"),
        });
        queue.push(b"first\n");
        let line = [b'x'; 1023].iter().chain(b"\n").copied().collect::<Vec<u8>>();
        // The blocked writer holds at most one batch, so twice the capacity overflows the queue.
        for _ in 0..CAPACITY / 512 {
            queue.push(&line);
        }
        for _ in 0..64 {
            open.send(Ok(usize::MAX)).unwrap();
        }
        // The writer may begin late, and then reports before it has written the rest.
        let (start, all) = (Instant::now(), 1 + u64::try_from(CAPACITY / 512).unwrap());
        let mut written = 0;
        loop {
            written += read.try_iter().map(|batch| count_lines(&batch)).sum::<u64>();
            let dropped = *reported.lock();
            if dropped > 0 && written + dropped == all {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{written} and {dropped} of {all}");
            thread::sleep(Duration::from_millis(1));
        }
        queue.push(b"again\n");
        assert_eq!(read.recv_timeout(Duration::from_secs(30)).unwrap(), b"again\n");
    }

    #[test]
    fn p10_a_torn_line_ends_before_the_next_one() {
        let (queue, open, read) = gated(|_| {});
        queue.push(b"torn in two\n");
        open.send(Ok(4)).unwrap();
        open.send(Err(ErrorKind::WouldBlock.into())).unwrap();
        open.send(Err(ErrorKind::StorageFull.into())).unwrap();
        assert_eq!(read.recv().unwrap(), b"torn");
        for _ in 0..2 {
            open.send(Ok(usize::MAX)).unwrap();
        }
        queue.push(b"whole\n");
        assert_eq!(read.recv().unwrap(), b"\n");
        assert_eq!(read.recv().unwrap(), b"whole\n");
    }

    #[test]
    fn p10_a_flush_ends_even_if_nobody_reads() {
        let (queue, open, read) = gated(|_| {});
        queue.push(b"line\n");
        queue.flush(Duration::from_millis(10));
        assert!(read.try_recv().is_err());
        open.send(Ok(usize::MAX)).unwrap();
        queue.flush(Duration::from_secs(30));
        assert_eq!(read.try_recv().unwrap(), b"line\n");
    }
}
