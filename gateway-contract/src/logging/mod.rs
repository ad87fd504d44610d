//! The log of both programs. A separate thread writes it to stderr, so that the program continues if the
//! reader of stderr stops reading.

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

/// The maximum time that a flush waits for the log to be written.
const FLUSH: Duration = Duration::from_millis(500);

/// The handle of the running log. Dropping it at the end of the program flushes the log.
#[must_use = "lines that are not yet written are lost unless it is dropped last"]
pub struct Log {
    queue: Option<Arc<Queue>>,
}

/// Starts the log with the filter in `RUST_LOG`, or with `default_filter` if that is not set.
pub fn start(default_filter: &str) -> Log {
    let mut builder = Builder::from_env(Env::default().default_filter_or(default_filter));
    let queue = Arc::new(Queue::default());
    let started = writer::start(Arc::clone(&queue), std::io::stderr(), report_dropped);
    if started.is_ok() {
        builder.target(Target::Pipe(Box::new(queue::Sink(Arc::clone(&queue)))));
    }
    builder.init();
    // The default panic hook writes to stderr itself, and would block if stderr is not read.
    std::panic::set_hook(Box::new(report_panic));
    if let Err(error) = &started {
        log::warn!(
            "cannot start the log thread, so an unread stderr can block the program: {error}"
        );
    }
    Log { queue: started.is_ok().then_some(queue) }
}

fn report_dropped(lines: u64) {
    log::error!(target: "log", lines; "dropped {lines} lines of the log because stderr was not read in time");
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
    /// Reports the error that ends the program, in the format of the command-line parser, and flushes.
    pub fn fail(&self, error: &dyn Error) {
        let line = format!("error: {}\n", Chain(error));
        match &self.queue {
            Some(queue) => queue.push(line.as_bytes()),
            None => drop(std::io::stderr().write_all(line.as_bytes())),
        }
        self.flush();
    }

    /// Waits until everything is written, at most half a second.
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
