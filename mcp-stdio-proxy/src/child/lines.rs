//! Splits the output of a child into lines of any length up to a limit (stdio transport).

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

/// The least room for a read; most messages fit.
const CHUNK: usize = 8 << 10;
/// The most room for a read; large results come in few reads.
const LARGE_CHUNK: usize = 1 << 20;
/// What is kept of the ends of a line that is too long, to find the id in it.
const ENDS: usize = 1024;

/// A line of output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its end.
    Whole(Bytes),
    /// The two ends of a line that was over the limit.
    TooLong(Bytes, Bytes),
}

/// The splitter; it holds no memory while the child is silent.
pub(super) struct Lines {
    limit: usize,
    buffer: BytesMut,
    scanned: usize,
    chunk: usize,
    /// The head of the line being skipped.
    skipping: Option<Bytes>,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, buffer: BytesMut::new(), scanned: 0, chunk: CHUNK, skipping: None }
    }

    /// Reads on until there is a line; `None` at the end of the output.
    pub(super) async fn next(&mut self, pipe: &mut pipe::Receiver) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.split() {
                return Ok(Some(line));
            }
            // Waited for first, so that a silent child holds no buffer.
            pipe.readable().await?;
            self.buffer.reserve(self.chunk);
            match pipe.read_buf(&mut self.buffer).await? {
                0 => return Ok(None),
                read if read >= self.chunk => self.chunk = LARGE_CHUNK.min(self.chunk * 2),
                _ => {}
            }
        }
    }

    /// Takes one line out of what was read.
    fn split(&mut self) -> Option<Line> {
        let fresh = self.buffer.get(self.scanned..)?;
        let Some(end) = memchr::memchr(b'\n', fresh).map(|at| at + self.scanned) else {
            self.scanned = self.buffer.len();
            self.keep_in_bounds();
            return None;
        };
        let line = self.buffer.split_to(end + 1).freeze().slice(..end);
        self.scanned = 0;
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
            self.chunk = CHUNK;
        }
        Some(match self.skipping.take() {
            Some(head) => Line::TooLong(head, ends(&line).1),
            None if line.len() > self.limit => Line::TooLong(ends(&line).0, ends(&line).1),
            None => Line::Whole(line),
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

/// The id in a line of which only the ends are known. Ids are ours, so they are plain numbers, and
/// SDKs write them first or last.
pub(super) fn id_of(head: &[u8], tail: &[u8]) -> Option<u64> {
    last_id(tail).or_else(|| first_id(head))
}

/// The id as the last member of the message: `…"id":7}`.
fn last_id(tail: &[u8]) -> Option<u64> {
    let members = tail.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
    let digits = members.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, number) = members.split_at_checked(members.len() - digits)?;
    let key = before.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    key.ends_with(b"\"id\"").then(|| std::str::from_utf8(number).ok()?.parse().ok())?
}

/// The id as a member before any object: `{"jsonrpc":"2.0","id":7,…`.
fn first_id(head: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(head, b"\"id\"")?;
    let (before, rest) = head.split_at_checked(at)?;
    if memchr::memchr_iter(b'{', before).count() != 1 {
        return None;
    }
    let value = rest.get(4..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(value.get(..digits)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(lines: &mut Lines, text: &[u8]) -> Vec<Line> {
        lines.buffer.extend_from_slice(text);
        std::iter::from_fn(|| lines.split()).collect()
    }

    #[test]
    fn lines_are_put_together_from_any_pieces() {
        let mut lines = Lines::new(100);
        assert_eq!(feed(&mut lines, b"{\"a\""), []);
        assert_eq!(
            feed(&mut lines, b":1}\n\nx\ny"),
            [&b"{\"a\":1}"[..], b"", b"x"].map(|line| Line::Whole(Bytes::copy_from_slice(line)))
        );
        assert_eq!(feed(&mut lines, b"\n"), [Line::Whole(Bytes::from_static(b"y"))]);
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
        let Line::TooLong(head, tail) = &found[0] else { panic!("{found:?}") };
        assert_eq!(id_of(head, tail), Some(9));
        assert_eq!(found[1], Line::Whole(Bytes::from_static(b"{}")));
    }

    #[test]
    fn the_id_is_found_first_or_last_but_never_inside_the_result() {
        assert_eq!(id_of(b"{\"jsonrpc\":\"2.0\",\"id\": 12,\"result\":", b"x\"}"), Some(12));
        assert_eq!(id_of(b"{\"result\":{\"id\":5", b"x\"},\"jsonrpc\":\"2.0\",\"id\":7}"), Some(7));
        assert_eq!(id_of(b"{\"result\":{\"id\":5,", b"\"id\":6}}"), None);
    }
}
