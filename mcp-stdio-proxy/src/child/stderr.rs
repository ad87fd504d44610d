//! What a child says on stderr goes to the log: always read, never too much of it (stdio transport).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

/// A longer line is cut into pieces.
const LINE: usize = 2048;
/// Lines logged at once.
const BURST: u32 = 50;
/// The time after which another line may be logged.
const REFILL: Duration = Duration::from_millis(100);

/// Lines that are remembered.
const REMEMBERED: usize = 8;
/// What is remembered of a line.
const MEMORY: usize = 200;

/// The last lines, for the question what was wrong.
#[derive(Default)]
pub(super) struct Tail {
    lines: Mutex<VecDeque<String>>,
    over: CancellationToken,
}

impl Tail {
    fn push(&self, line: &[u8]) {
        let line = plain(line.get(..MEMORY.min(line.len())).unwrap_or_default());
        let mut lines = self.lines.lock();
        if lines.len() == REMEMBERED {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The lines as one.
    pub(super) fn text(&self) -> String {
        self.lines.lock().iter().map(String::as_str).collect::<Vec<_>>().join(" | ")
    }

    /// Waits until there will be no more lines.
    pub(super) async fn complete(&self) {
        self.over.cancelled().await;
    }
}

/// Logs the lines of `stderr` until it ends, and remembers the last ones in `tail`.
pub(super) async fn drain(server: Arc<str>, pid: u32, mut stderr: pipe::Receiver, tail: Arc<Tail>) {
    let _over = tail.over.clone().drop_guard();
    let mut bucket = Bucket::new();
    let mut buffer = vec![0; 4 * LINE];
    let mut held = 0;
    while let Some(room) = buffer.get_mut(held..) {
        let read = match stderr.read(room).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let text = buffer.get(..held + read).unwrap_or_default();
        let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let rest = lines.pop().filter(|rest| rest.len() < LINE).unwrap_or_default();
        lines.retain(|line| !line.is_empty());
        for line in &lines {
            bucket.log(&server, pid, line);
        }
        let last = lines.len().saturating_sub(REMEMBERED);
        for line in lines.iter().skip(last) {
            tail.push(line);
        }
        let kept = text.len() - rest.len()..text.len();
        held = rest.len();
        buffer.copy_within(kept, 0);
    }
    bucket.log_lost(&server, pid);
}

/// A line without what could forge lines of the log or steer a terminal.
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// A token bucket.
struct Bucket {
    tokens: u32,
    filled: Instant,
    lost: u64,
}

impl Bucket {
    fn new() -> Self {
        Self { tokens: BURST, filled: Instant::now(), lost: 0 }
    }

    fn take(&mut self, now: Instant) -> bool {
        let fresh = now.saturating_duration_since(self.filled).as_millis() / REFILL.as_millis();
        if let Ok(fresh) = u32::try_from(fresh)
            && fresh > 0
        {
            self.tokens = self.tokens.saturating_add(fresh).min(BURST);
            self.filled = now;
        }
        let got = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        got
    }

    fn log(&mut self, server: &str, pid: u32, line: &[u8]) {
        if !self.take(Instant::now()) {
            self.lost += 1;
            return;
        }
        self.log_lost(server, pid);
        let line = line.get(..LINE.min(line.len())).unwrap_or_default();
        let text = plain(line);
        log::info!(target: "stderr", server, pid; "{server}[{pid}] {text}");
    }

    fn log_lost(&mut self, server: &str, pid: u32) {
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            log::warn!(target: "stderr", server, pid, lost; "{server}[{pid}] {lost} lines left out");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_the_bucket_fills_again() {
        let (mut bucket, start) = (Bucket::new(), Instant::now());
        let logged = (0..1000).filter(|_| bucket.take(start)).count();
        assert_eq!(logged, 50);
        assert!(bucket.take(start + 2 * REFILL));
        assert!(bucket.take(start + 2 * REFILL));
        assert!(!bucket.take(start + 2 * REFILL));
    }
}
