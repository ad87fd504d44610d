//! Appending whole lines to an output that can fail in the middle of one.

use std::io::{self, ErrorKind, Write};
use std::thread;
use std::time::Duration;

use super::queue::count_lines;

/// The pause before a retry if a non-blocking output is full.
const BEHIND: Duration = Duration::from_millis(20);

/// An output for lines.
pub(crate) trait Output: Write + Send + 'static {
    /// Prepares for `bytes` of whole lines. Returns `true` if the output begins at the start of a line again.
    fn prepare(&mut self, bytes: usize) -> io::Result<bool> {
        let _ = bytes;
        Ok(false)
    }
}

impl Output for io::Stderr {}
impl Output for io::Stdout {}

/// Lines that could not be written.
#[derive(Debug)]
pub(crate) struct Unwritten {
    /// The number of lines, including one that was written in part.
    pub(crate) lines: u64,
    /// The error of the write.
    pub(crate) error: io::Error,
}

/// An output with its state: whether the last line is complete.
pub(crate) struct Appender {
    out: Box<dyn Output>,
    /// `true` if the last line was written only in part.
    torn: bool,
}

impl Appender {
    pub(crate) fn new(out: impl Output) -> Self {
        Self { out: Box::new(out), torn: false }
    }

    /// Appends `lines`, each of which ends with a line feed.
    pub(crate) fn append(&mut self, lines: &[u8]) -> Result<(), Unwritten> {
        let none = |error| Unwritten { lines: count_lines(lines), error };
        if self.out.prepare(lines.len()).map_err(none)? {
            self.torn = false;
        }
        if self.torn {
            self.write_all(b"\n").map_err(|(_, error)| none(error))?;
            self.torn = false;
        }
        self.write_all(lines).map_err(|(rest, error)| {
            self.torn = rest.len() < lines.len() && !ends_line(lines, rest);
            Unwritten { lines: count_lines(rest), error }
        })
    }

    /// Writes all of `bytes`. The error holds the part not written.
    fn write_all<'a>(&mut self, mut bytes: &'a [u8]) -> Result<(), (&'a [u8], io::Error)> {
        while !bytes.is_empty() {
            match self.out.write(bytes) {
                Ok(0) => return Err((bytes, ErrorKind::WriteZero.into())),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(BEHIND),
                Err(error) => return Err((bytes, error)),
            }
        }
        // Standard output of the library has a buffer of its own.
        self.out.flush().map_err(|error| (bytes, error))
    }
}

/// Returns `true` if the part of `lines` before `rest` ends with a whole line.
fn ends_line(lines: &[u8], rest: &[u8]) -> bool {
    let written = lines.get(..lines.len() - rest.len()).unwrap_or_default();
    written.last().is_none_or(|byte| *byte == b'\n')
}
