//! Splitting of a process's output into lines of bounded length (stdio transport).

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::time::timeout;

/// The minimum size of a read; most messages fit.
const CHUNK: usize = 8 << 10;
/// The maximum size of a read, so that large results take few reads.
const LARGE_CHUNK: usize = 1 << 20;
/// The number of bytes kept from both ends of an overlong line, to find the id in them.
const ENDS: usize = 1024;
/// The maximum delay of the line break that ends a message.
const QUIET: Duration = Duration::from_secs(2);

/// A line of output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RawLine {
    /// A complete line, without its line break.
    Whole(Bytes),
    /// The head and the tail of a line over the limit.
    TooLong(Bytes, Bytes),
    /// An apparently complete message whose line break is overdue.
    Unended(Bytes),
}

/// The splitter, which holds no memory while the process is silent.
pub(super) struct Lines {
    limit: usize,
    buffer: BytesMut,
    scanned: usize,
    chunk: usize,
    /// The head of the line that is being skipped.
    skipping: Option<Bytes>,
    /// The length of the buffer when it was last returned as [`RawLine::Unended`].
    unended: usize,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: BytesMut::new(),
            scanned: 0,
            chunk: CHUNK,
            skipping: None,
            unended: 0,
        }
    }

    /// Reads until a line is complete. Returns `None` at the end of the output.
    pub(super) async fn next(&mut self, pipe: &mut pipe::Receiver) -> io::Result<Option<RawLine>> {
        loop {
            if let Some(line) = self.split() {
                return Ok(Some(line));
            }
            // Awaited before reserving, so that a silent process holds no buffer.
            if self.may_be_whole() {
                match timeout(QUIET, pipe.readable()).await {
                    Ok(readable) => readable?,
                    Err(_) => return Ok(Some(self.unended())),
                }
            } else {
                pipe.readable().await?;
            }
            self.buffer.reserve(self.chunk);
            match pipe.read_buf(&mut self.buffer).await? {
                0 => return Ok(None),
                read if read >= self.chunk => self.chunk = LARGE_CHUNK.min(self.chunk * 2),
                _ => {}
            }
        }
    }

    /// Returns `true` if the current line ends like a complete message.
    fn may_be_whole(&self) -> bool {
        let ends = self.buffer.trim_ascii_end().last();
        self.skipping.is_none()
            && self.unended != self.buffer.len()
            && matches!(ends, Some(b'}' | b']'))
    }

    fn unended(&mut self) -> RawLine {
        self.unended = self.buffer.len();
        RawLine::Unended(Bytes::copy_from_slice(&self.buffer))
    }

    /// Splits one line off the buffer.
    fn split(&mut self) -> Option<RawLine> {
        let fresh = self.buffer.get(self.scanned..)?;
        let Some(end) = memchr::memchr(b'\n', fresh).map(|at| at + self.scanned) else {
            self.scanned = self.buffer.len();
            self.keep_in_bounds();
            return None;
        };
        let line = self.buffer.split_to(end + 1).freeze().slice(..end);
        (self.scanned, self.unended) = (0, 0);
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
            self.chunk = CHUNK;
        }
        Some(match self.skipping.take() {
            Some(head) => RawLine::TooLong(head, ends(&line).1),
            None if line.len() > self.limit => RawLine::TooLong(ends(&line).0, ends(&line).1),
            None => RawLine::Whole(line),
        })
    }

    fn keep_in_bounds(&mut self) {
        if self.buffer.len() <= self.limit && self.skipping.is_none() {
            return;
        }
        if self.skipping.is_none() {
            self.skipping = Some(ends(&self.buffer).0);
        }
        let rest = self.buffer.len().saturating_sub(ENDS);
        self.buffer = BytesMut::from(self.buffer.get(rest..).unwrap_or_default());
        self.scanned = self.buffer.len();
    }
}

fn ends(line: &[u8]) -> (Bytes, Bytes) {
    let head = line.get(..ENDS.min(line.len())).unwrap_or_default();
    let tail = line.get(line.len().saturating_sub(ENDS)..).unwrap_or_default();
    (Bytes::copy_from_slice(head), Bytes::copy_from_slice(tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::torn;

    fn feed(lines: &mut Lines, text: &[u8]) -> Vec<RawLine> {
        lines.buffer.extend_from_slice(text);
        std::iter::from_fn(|| lines.split()).collect()
    }

    #[test]
    fn lines_are_put_together_from_any_pieces() {
        let mut lines = Lines::new(100);
        assert_eq!(feed(&mut lines, b"{\"a\""), []);
        assert_eq!(
            feed(&mut lines, b":1}\n\nx\ny"),
            [&b"{\"a\":1}"[..], b"", b"x"].map(|line| RawLine::Whole(Bytes::copy_from_slice(line)))
        );
        assert_eq!(feed(&mut lines, b"\n"), [RawLine::Whole(Bytes::from_static(b"y"))]);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_in_bounded_memory_and_the_next_one_is_read() {
        let mut lines = Lines::new(2000);
        assert_eq!(feed(&mut lines, b"{\"id\":9,\"result\":\""), []);
        for _ in 0..100 {
            assert_eq!(feed(&mut lines, &[b'x'; 1000]), []);
            assert!(lines.buffer.len() <= 3000);
        }
        let found = feed(&mut lines, b"\"}\n{}\n");
        assert_eq!(found.len(), 2);
        let RawLine::TooLong(head, tail) = &found[0] else { panic!("{found:?}") };
        assert_eq!(torn::id_of(head, tail), Some(9));
        assert_eq!(found[1], RawLine::Whole(Bytes::from_static(b"{}")));
    }
}
