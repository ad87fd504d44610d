//! The log of both programs: written to stderr by a thread of its own, so that a reader of stderr who stops
//! reading stops nobody else.

mod queue;
mod writer;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::time::Duration;

use env_logger::{Builder, Env, Target};

use crate::chain::Chain;
use queue::Queue;

/// How long the end of the program waits for the log to be written.
const FLUSH: Duration = Duration::from_millis(500);

/// The running log. Dropped at the end of the program, it waits a moment until everything is written.
#[must_use = "lines that are not yet written are lost unless it is dropped last"]
pub struct Log {
    queue: Option<Arc<Queue>>,
}

/// Starts the log with the filter of `RUST_LOG`, or else `default_filter`.
pub fn start(default_filter: &str) -> Log {
    let mut builder = Builder::from_env(Env::default().default_filter_or(default_filter));
    let queue = Arc::new(Queue::default());
    let started = writer::start(Arc::clone(&queue), std::io::stderr(), report_dropped);
    if started.is_ok() {
        builder.target(Target::Pipe(Box::new(queue::Sink(Arc::clone(&queue)))));
    }
    builder.init();
    // The default hook writes to stderr itself, and would wait for its reader.
    std::panic::set_hook(Box::new(report_panic));
    if let Err(error) = &started {
        log::warn!("no thread for the log, so an unread stderr can block: {error}");
    }
    Log { queue: started.is_ok().then_some(queue) }
}

fn report_dropped(lines: u64) {
    log::error!(target: "log", lines; "dropped {lines} lines of the log that stderr did not take in time");
}

fn report_panic(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        log::error!(target: "panic", "{panic}\n{backtrace}");
    } else {
        log::error!(target: "panic", "{panic}");
    }
}

impl Log {
    /// Says why the program ends, as the parser of the command line does, and waits until it is written.
    pub fn fail(&self, error: &dyn Error) {
        let line = format!("error: {}\n", Chain(error));
        match &self.queue {
            Some(queue) => queue.push(line.as_bytes()),
            None => drop(std::io::stderr().write_all(line.as_bytes())),
        }
        self.flush();
    }

    /// Waits until everything is written, but not for long.
    pub fn flush(&self) {
        if let Some(queue) = &self.queue {
            queue.flush(FLUSH);
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}
