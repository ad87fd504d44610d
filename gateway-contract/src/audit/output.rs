//! The audit log of a program: lines of JSON in a file or on standard output.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Event, EventKind, Filter, Id, Outcome, Settings, Target, rfc3339, tail, time};
use crate::lines::{Appender, Notice, Pace, Queue, RotatingFile, start};

/// The longest time between [`AuditLog::write`] and the write to the file: what a crash can lose.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(200);
/// The capacity of the queue in bytes, enough for some twenty thousand events.
const CAPACITY: usize = 8 << 20;

thread_local! {
    /// The line of the latest event. Its memory is used again for the next one.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The audit log. Clones write to the same one.
#[derive(Clone)]
pub struct AuditLog(Arc<Inner>);

struct Inner {
    by: String,
    filter: Filter,
    file: Option<PathBuf>,
    output: Option<Output>,
    lost: AtomicU64,
}

struct Output {
    queue: Arc<Queue>,
    /// The file or standard output, shared by the thread that writes the queue and [`AuditLog::append`].
    out: Arc<Mutex<Appender>>,
}

impl AuditLog {
    /// Opens the audit log of `program`.
    pub fn start(settings: &Settings, program: &str) -> io::Result<Self> {
        let appender = match &settings.target {
            None => None,
            Some(Target::Stdout) => Some(Appender::new(io::stdout())),
            Some(Target::File(path)) => {
                Some(Appender::new(RotatingFile::open(path, settings.rotation)?))
            }
        };
        let output = appender.map(|appender| Output {
            queue: Arc::new(Queue::new(CAPACITY)),
            out: Arc::new(Mutex::new(appender)),
        });
        let file = match &settings.target {
            Some(Target::File(path)) => Some(path.clone()),
            _ => None,
        };
        let by = format!("{program}@{}", host());
        let lost = AtomicU64::new(0);
        let log = Self(Arc::new(Inner { by, filter: settings.filter, file, output, lost }));
        if let Some(Output { queue, out }) = &log.0.output {
            let pace = Pace { name: "audit", gather: FLUSH_INTERVAL };
            let reporter = log.clone();
            start(pace, Arc::clone(queue), Arc::clone(out), move |notice| {
                reporter.report(&notice);
            })?;
        }
        Ok(log)
    }

    /// Returns an audit log that writes nowhere, for commands and tests.
    #[must_use]
    pub fn none(program: &str) -> Self {
        let (by, filter) = (format!("{program}@{}", host()), Filter::default());
        let (file, output, lost) = (None, None, AtomicU64::new(0));
        Self(Arc::new(Inner { by, filter, file, output, lost }))
    }

    /// Reports on the writer's own thread, whose events are never dropped.
    fn report(&self, notice: &Notice<'_>) {
        match *notice {
            Notice::Dropped(count) => {
                self.0.lost.fetch_add(count, Ordering::Relaxed);
                log::error!(target: "audit", count; "lost {count} audit events");
                let mut event = self.event(EventKind::AuditLost);
                (event.outcome, event.count) = (Outcome::Failed, Some(count));
                self.write(&event);
            }
            Notice::Failing(error) => {
                log::error!(target: "audit", "cannot write AUDIT_LOG: {error}");
            }
        }
    }

    /// Returns the program and the host, as events name them.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.0.by
    }

    /// Returns `true` if the settings name a file or standard output.
    #[must_use]
    pub fn has_output(&self) -> bool {
        self.0.output.is_some()
    }

    /// Returns `true` if events of `kind` are recorded.
    #[must_use]
    pub fn records(&self, kind: EventKind) -> bool {
        self.0.filter.records(kind)
    }

    /// Returns the number of events that were lost since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Returns a new event of this moment, without any details.
    #[must_use]
    pub fn event(&self, kind: EventKind) -> Event<'_> {
        let millis = time::now();
        let (id, time) = (Id::at(millis), rfc3339(millis));
        let owned = |text: &str| text.to_owned().into();
        Event::new(kind, owned(id.as_str()), owned(time.as_str()), &self.0.by)
    }

    /// Writes `event` within [`FLUSH_INTERVAL`], unless its kind is not recorded. Never blocks: an event that finds
    /// the queue full is counted, and reported as `audit.lost`.
    pub fn write(&self, event: &Event<'_>) {
        if let Some(Output { queue, .. }) = &self.0.output
            && self.records(event.event)
        {
            with_line(event, |line| queue.push(line));
        }
    }

    /// Gives `event` an id, the time of this moment and the writer, and passes its line to `take`.
    pub fn stamp<T>(&self, event: Event<'_>, take: impl FnOnce(&[u8]) -> T) -> T {
        let millis = time::now();
        let (id, time) = (Id::at(millis), rfc3339(millis));
        // The fields of the caller live longer than those that are added.
        let event: Event<'_> = event;
        let event = Event {
            id: id.as_str().into(),
            time: time.as_str().into(),
            by: self.0.by.as_str().into(),
            ..event
        };
        with_line(&event, take)
    }

    /// Writes a line of [`Self::stamp`], like [`Self::write`].
    pub fn write_line(&self, line: &[u8]) {
        if let Some(Output { queue, .. }) = &self.0.output {
            queue.push(line);
        }
    }

    /// Appends events and returns when the kernel has them. Blocks, so it is called outside of asynchronous code, or
    /// where a write to the page cache may be waited for. `events` are JSON objects without line feeds.
    ///
    /// After an error, some of the events may have been written.
    pub fn append<'a>(&self, events: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let Some(Output { out, .. }) = &self.0.output else { return Ok(()) };
        let mut lines = Vec::new();
        for event in events {
            lines.extend_from_slice(event.as_bytes());
            lines.push(b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        out.lock().append(&lines).map_err(|unwritten| unwritten.error)
    }

    /// Returns the ids of the latest events in the file: of its last 4 MiB, together with the file that was rotated
    /// last. Returns none for standard output.
    pub fn tail_ids(&self) -> io::Result<HashSet<String>> {
        self.0.file.as_deref().map_or_else(|| Ok(HashSet::new()), tail::ids)
    }

    /// Waits until all events are written, for `time` at most.
    pub fn flush(&self, time: Duration) {
        if let Some(Output { queue, .. }) = &self.0.output {
            queue.flush(time);
        }
    }
}

/// Passes `event` to `take` as a line of JSON with its line feed. `take` itself writes no event.
fn with_line<T>(event: &Event<'_>, take: impl FnOnce(&[u8]) -> T) -> T {
    LINE.with_borrow_mut(|line| {
        line.clear();
        // Events have no member that JSON cannot represent, and a vector accepts all bytes.
        drop(serde_json::to_writer(&mut *line, event));
        line.push(b'\n');
        take(line)
    })
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
