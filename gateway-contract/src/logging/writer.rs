//! The thread that writes the log and reports dropped lines.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::queue::{Batch, Queue, count_lines};

/// The pause after a write. Under load, lines accumulate, so that one wake-up and one write serve many.
const GATHER: Duration = Duration::from_millis(5);
/// The pause after a failed write, for instance to a full disk.
const RETRY: Duration = Duration::from_millis(500);
/// The pause before a retry if a non-blocking stderr is full.
const BEHIND: Duration = Duration::from_millis(20);
/// The maximum capacity of a buffer that is reused; larger ones are freed.
const KEPT: usize = 64 << 10;
/// The stack size of the thread, which formats one line at a time.
const STACK: usize = 256 << 10;

/// Starts the thread that writes the records in `queue` to `out`. When `out` accepts lines again, the thread
/// passes the number of dropped lines to `report`, which logs it.
pub(super) fn start(
    queue: Arc<Queue>,
    out: impl Write + Send + 'static,
    report: fn(u64),
) -> io::Result<()> {
    let run = move || {
        queue.own();
        Writer { queue, out, report, torn: false, reported: 0 }.run();
    };
    thread::Builder::new().name("log".to_owned()).stack_size(STACK).spawn(run).map(drop)
}

struct Writer<W> {
    queue: Arc<Queue>,
    out: W,
    report: fn(u64),
    /// `true` if the last line was written only in part.
    torn: bool,
    /// The number of dropped lines in a report that is not written yet.
    reported: u64,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        let mut buffer = Vec::new();
        loop {
            let Batch { mut records, dropped } = self.queue.take(buffer);
            match self.write(&records) {
                Ok(()) => {
                    self.reported = dropped;
                    if dropped > 0 {
                        (self.report)(dropped);
                    }
                    self.queue.pause(GATHER);
                }
                Err(lost) => {
                    // The lost records include the report itself, which no caller logged.
                    let reported = self.reported.saturating_sub(1);
                    let lost = lost.saturating_add(dropped).saturating_add(reported);
                    self.reported = 0;
                    self.queue.count_dropped(lost);
                    thread::sleep(RETRY);
                }
            }
            records.clear();
            buffer = if records.capacity() > KEPT { Vec::new() } else { records };
        }
    }

    /// Writes `records`. The error is the number of lines not written.
    fn write(&mut self, records: &[u8]) -> Result<(), u64> {
        if self.torn {
            self.write_all(b"\n").map_err(|_| count_lines(records))?;
            self.torn = false;
        }
        self.write_all(records).map_err(|rest| {
            self.torn = rest.len() < records.len() && !ends_line(records, rest);
            count_lines(rest)
        })
    }

    /// Writes all of `bytes`. The error is the part not written.
    fn write_all<'a>(&mut self, mut bytes: &'a [u8]) -> Result<(), &'a [u8]> {
        while !bytes.is_empty() {
            match self.out.write(bytes) {
                Ok(0) => return Err(bytes),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(BEHIND),
                Err(_) => return Err(bytes),
            }
        }
        Ok(())
    }
}

/// Returns `true` if the part of `records` before `rest` ends with a whole line.
fn ends_line(records: &[u8], rest: &[u8]) -> bool {
    let written = records.get(..records.len() - rest.len()).unwrap_or_default();
    written.last().is_none_or(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Instant;

    use crate::logging::queue::CAPACITY;

    static REPORTED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

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

    fn gated(report: fn(u64)) -> (Arc<Queue>, Sender<io::Result<usize>>, Receiver<Vec<u8>>) {
        let queue = Arc::new(Queue::default());
        let (open, next) = channel();
        let (written, read) = channel();
        start(Arc::clone(&queue), Gate { next, written }, report).unwrap();
        (queue, open, read)
    }

    #[test]
    fn p10_a_full_queue_drops_counts_and_reports() {
        let (queue, open, read) = gated(|lines| REPORTED.lock().unwrap().push(lines));
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
            let dropped = REPORTED.lock().unwrap().iter().sum::<u64>();
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
