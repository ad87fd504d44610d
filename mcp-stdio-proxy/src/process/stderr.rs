//! Logging of the stderr of a process. It is always drained, and the log is rate limited (stdio transport).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

/// The maximum length of a logged line; longer lines are split.
const LINE: usize = 2048;
/// The burst size of the rate limit, in lines.
const BURST: u32 = 50;
/// The refill interval of the rate limit, per line.
const REFILL: Duration = Duration::from_millis(100);

/// The number of lines that are kept.
const REMEMBERED: usize = 8;
/// The number of bytes kept of each line.
const MEMORY: usize = 200;

/// The last lines of stderr, for error messages.
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

    /// Returns the lines, joined.
    pub(super) fn text(&self) -> String {
        self.lines.lock().iter().map(String::as_str).collect::<Vec<_>>().join(" | ")
    }

    /// Waits until stderr is closed.
    pub(super) async fn complete(&self) {
        self.over.cancelled().await;
    }
}

/// Logs the lines of `stderr` until it is closed, and keeps the last ones in `tail`.
pub(super) async fn drain(server: Arc<str>, pid: u32, mut stderr: pipe::Receiver, tail: Arc<Tail>) {
    let _over = tail.over.clone().drop_guard();
    let mut bucket = Bucket::new();
    let mut buffer = vec![0; 4 * LINE];
    let mut held = 0;
    while let Some(instance) = buffer.get_mut(held..) {
        let read = match stderr.read(instance).await {
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

/// Removes control characters, which could forge log lines or control a terminal.
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// A token bucket that limits the rate of logged lines.
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
