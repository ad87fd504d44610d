//! Events of no change, such as refusals. They are kept in memory for a moment and written in batches.
//!
//! Anybody can cause any number of them. So only some of each second are written, and the rest is counted.

use std::{
    collections::HashMap,
    mem,
    time::{Duration, Instant},
};

use gateway_contract::audit::EventKind;
use parking_lot::Mutex;

use super::{
    AuditRecords,
    entry::AuditEntry,
    stream::{Addition, names},
};
use crate::{model::Draft, store::Error};

/// The maximum number of events in a second that anybody can cause.
const OPEN_RATE: u32 = 50;

/// The maximum number of other events in a second.
const RATE: u32 = 500;

/// The maximum number of events that wait for the file, or for the stream.
const CAPACITY: usize = 2_048;

/// The events that wait, and how many were not taken.
#[derive(Default)]
pub(in crate::store) struct Refusals(Mutex<State>);

#[derive(Default)]
struct State {
    /// The begin of the current second, and the numbers of events in it.
    second: Option<Instant>,
    open: u32,
    others: u32,
    /// Events that are neither in the file nor in the stream.
    waiting: Vec<AuditEntry>,
    /// Events that are in the file only, because Redis did not take them yet.
    in_file: Vec<AuditEntry>,
    lost: u64,
    total_lost: u64,
    /// The latest window of each rate limit that had a refusal.
    windows: HashMap<&'static str, i64>,
}

impl Refusals {
    fn note(&self, entry: AuditEntry) {
        let mut state = self.0.lock();
        if state.second.is_none_or(|second| second.elapsed() >= Duration::from_secs(1)) {
            (state.second, state.open, state.others) = (Some(Instant::now()), 0, 0);
        }
        let (count, most) = if entry.is_by_anybody {
            (&mut state.open, OPEN_RATE)
        } else {
            (&mut state.others, RATE)
        };
        *count = count.saturating_add(1);
        if *count > most || state.waiting.len() >= CAPACITY {
            state.lost += 1;
        } else {
            state.waiting.push(entry);
        }
    }

    /// Returns `true` for the first refusal of the rate limit `kind` in `window`.
    pub(super) fn is_first_of(&self, kind: &'static str, window: i64) -> bool {
        self.0.lock().windows.insert(kind, window) != Some(window)
    }

    pub(super) fn count_lost(&self, count: u64) {
        let mut state = self.0.lock();
        state.total_lost = state.total_lost.saturating_add(count);
    }
}

impl AuditRecords {
    /// Notes an event that no change comes with. It is written within a second, unless there are too many.
    pub fn tell(&self, draft: Draft<'_>) {
        if let Some(entry) = self.entry(draft) {
            self.refusals.note(entry);
        }
    }

    /// Notes that a rate limit of `kind` refused a request, once in each window of it.
    pub fn tell_limited<'a>(
        &self,
        kind: &'static str,
        window: i64,
        draft: impl FnOnce() -> Draft<'a>,
    ) {
        if self.refusals.is_first_of(kind, window) {
            self.tell(draft());
        }
    }

    /// Returns the number of events that were lost since the start of this process.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let state = self.refusals.0.lock();
        self.log.lost().saturating_add(state.total_lost).saturating_add(state.lost)
    }

    /// Writes what was noted to the file, and then to the stream.
    pub async fn flush_told(&self) -> Result<(), Error> {
        let (waiting, lost) = {
            let mut state = self.refusals.0.lock();
            let lost = mem::take(&mut state.lost);
            state.total_lost = state.total_lost.saturating_add(lost);
            (mem::take(&mut state.waiting), lost)
        };
        let mut entries = waiting;
        if lost > 0 {
            let draft = self.draft(EventKind::AuditLost).failed("too many refusals at once");
            entries.extend(self.entry(draft.count(lost)));
        }
        let lines = entries.iter().map(|entry| entry.line.to_string()).collect();
        if let Err(error) = self.append(lines).await {
            // They go to the stream all the same.
            log::error!("cannot write the audit log: {error}");
        }
        let all = {
            let mut state = self.refusals.0.lock();
            let mut all = mem::take(&mut state.in_file);
            all.extend(entries);
            // The file has the earliest ones.
            let excess = all.len().saturating_sub(CAPACITY);
            all.drain(..excess);
            all
        };
        let named = |entry: &AuditEntry| names(&entry.line).map_or(Vec::new(), |(_, all)| all);
        let additions: Vec<_> = all
            .iter()
            .map(|entry| Addition { id: &entry.id, line: &entry.line, subjects: named(entry) })
            .collect();
        let added = self.add_all(&additions, false).await;
        if added.is_err() {
            self.refusals.0.lock().in_file = all;
        }
        added
    }

    /// Appends lines to the audit log.
    pub(super) async fn append(&self, lines: Vec<String>) -> std::io::Result<()> {
        if lines.is_empty() || !self.log.has_output() {
            return Ok(());
        }
        let log = self.log.clone();
        let append = move || log.append(lines.iter().map(String::as_str));
        tokio::task::spawn_blocking(append).await.map_err(std::io::Error::other)?
    }
}
