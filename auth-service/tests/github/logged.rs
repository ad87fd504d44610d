//! Log lines of the client, at all levels.

use std::sync::{Mutex, OnceLock};

use log::{LevelFilter, Log, Metadata, Record};

static LINES: Mutex<Vec<(log::Level, String)>> = Mutex::new(Vec::new());

struct Capture;

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}", record.target(), record.args());
        LINES.lock().unwrap().push((record.level(), line));
    }

    fn flush(&self) {}
}

/// Begins to keep all lines, of all tests of this program.
pub(crate) fn capture() {
    static SET: OnceLock<()> = OnceLock::new();
    SET.get_or_init(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

/// The lines so far that contain `text`.
pub(crate) fn lines(text: &str) -> Vec<(log::Level, String)> {
    let lines = LINES.lock().unwrap();
    lines.iter().filter(|(_, line)| line.contains(text)).cloned().collect()
}
