//! The outputs of the log: stderr, and a file if the settings name one.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::lines::Queue;

/// The queues of the outputs, and the format of lines.
#[derive(Default)]
pub(super) struct Outputs {
    /// The queue of stderr. Without one, stderr is written directly.
    pub(super) stderr: OnceLock<Arc<Queue>>,
    /// The queue of the file.
    pub(super) file: OnceLock<Arc<Queue>>,
    json: AtomicBool,
}

impl Outputs {
    pub(super) fn is_json(&self) -> bool {
        self.json.load(Ordering::Relaxed)
    }

    pub(super) fn set_json(&self, json: bool) {
        self.json.store(json, Ordering::Relaxed);
    }

    /// Waits until everything is written, for `time` at most per output.
    pub(super) fn flush(&self, time: Duration) {
        for queue in [&self.stderr, &self.file].into_iter().filter_map(OnceLock::get) {
            queue.flush(time);
        }
    }
}

/// A writer that adds one record to each output per call.
pub(super) struct Tee(pub(super) Arc<Outputs>);

impl Write for Tee {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        if let Some(queue) = self.0.file.get() {
            queue.push(record);
        }
        match self.0.stderr.get() {
            Some(queue) => queue.push(record),
            None => io::stderr().write_all(record)?,
        }
        Ok(record.len())
    }

    /// Adds the text as one record.
    fn write_fmt(&mut self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(text.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
