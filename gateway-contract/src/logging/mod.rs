//! The log of both programs. Separate threads write it to stderr and to a file, so that the program continues if the
//! reader of stderr stops reading.

mod json;
mod settings;
mod tee;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::time::Duration;

use env_logger::fmt::{ConfigurableFormat, Formatter};
use env_logger::{Builder, Env, Target};
use log::Record;
use parking_lot::Mutex;

use crate::chain::Chain;
use crate::lines::{Appender, Notice, Pace, Queue, RotatingFile, start as start_writer};
pub use settings::{Format, Settings, UnknownFormat};
use tee::{Outputs, Tee};

/// The maximum time that a flush waits for the log to be written.
const FLUSH: Duration = Duration::from_millis(500);
/// The capacity of a queue in bytes, enough for several thousand lines.
const CAPACITY: usize = 1 << 20;
/// The pause after a write, in which lines accumulate.
const GATHER: Duration = Duration::from_millis(5);

/// The handle of the running log. Dropping it at the end of the program flushes the log.
#[must_use = "lines that are not yet written are lost unless it is dropped last"]
pub struct Log(Arc<Outputs>);

/// Starts the log with the filter in `RUST_LOG`, or with `default_filter` if that is not set. It is text on stderr
/// until [`Log::configure`] is called.
pub fn start(default_filter: &str) -> Log {
    let mut builder = Builder::from_env(Env::default().default_filter_or(default_filter));
    let outputs = Arc::new(Outputs::default());
    let started = start_queue("log", Appender::new(io::stderr()), "stderr was not read in time");
    let problem = match started {
        Ok(queue) => outputs.stderr.set(queue).err().map(|_| io::Error::other("started twice")),
        Err(error) => Some(error),
    };
    let (text, format) = (ConfigurableFormat::default(), Arc::clone(&outputs));
    builder.format(move |line: &mut Formatter, record: &Record<'_>| {
        if format.is_json() { json::write(line, record) } else { text.format(line, record) }
    });
    builder.target(Target::Pipe(Box::new(Tee(Arc::clone(&outputs)))));
    builder.init();
    // The default panic hook writes to stderr itself, and would block if stderr is not read.
    std::panic::set_hook(Box::new(report_panic));
    if let Some(error) = problem {
        log::warn!(
            "cannot start the log thread, so an unread stderr can block the program: {error}"
        );
    }
    Log(outputs)
}

/// Starts a thread that writes to `out`. It logs the number of dropped lines with the `reason`.
fn start_queue(name: &'static str, out: Appender, reason: &'static str) -> io::Result<Arc<Queue>> {
    let queue = Arc::new(Queue::new(CAPACITY));
    let (pace, out) = (Pace { name, gather: GATHER }, Arc::new(Mutex::new(out)));
    start_writer(pace, Arc::clone(&queue), out, move |notice| match notice {
        Notice::Dropped(lines) => {
            log::error!(target: "log", lines; "dropped {lines} lines of the log because {reason}");
        }
        // The other output may still accept lines.
        Notice::Failing(error) => log::error!(target: "log", "cannot write the log: {error}"),
    })?;
    Ok(queue)
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
    /// Applies the settings: the format, and a file that gets each line in addition to stderr.
    pub fn configure(&self, settings: &Settings) -> io::Result<()> {
        self.0.set_json(settings.format == Format::Json);
        let Some(path) = &settings.file else { return Ok(()) };
        let file = Appender::new(RotatingFile::open(path, settings.rotation)?);
        let queue = start_queue("log file", file, "LOG_FILE was not written in time")?;
        self.0.file.set(queue).map_err(|_| io::Error::other("there is a LOG_FILE already"))
    }

    /// Reports the error that ends the program, in the format of the command-line parser or as JSON, and flushes.
    pub fn fail(&self, error: &dyn Error) {
        let chain = Chain(error);
        if self.0.is_json() {
            log::error!(target: "main", "{chain}");
        } else {
            drop(writeln!(Tee(Arc::clone(&self.0)), "error: {chain}"));
        }
        self.flush();
    }

    /// Waits until everything is written, at most half a second.
    pub fn flush(&self) {
        self.0.flush(FLUSH);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}
