//! The feed of ended grants and access tokens. A Redis stream contains their hashes, which are added
//! before the records are deleted. The proxies are served from a copy of the stream in
//! memory.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use redis::Script;
use serde::Serialize;
use tokio::sync::{Notify, Semaphore, watch};

use super::{Error, GrantRecords, Key, removal::KEPT};

/// The maximum number of entries in one response, and in one incremental read from Redis.
const PAGE: usize = 1_000;

/// The interval between polls of Redis while the feed has readers.
const POLL: Duration = Duration::from_millis(200);

/// The time without readers after which polling pauses.
const LINGER: Duration = Duration::from_secs(10);

/// The maximum age of the copy. An older one cannot prove that no grant has ended.
const FRESH: Duration = Duration::from_secs(2);

/// The long-poll timeout of a reader. It then gets an empty response.
const WAIT: Duration = Duration::from_secs(2);

/// The maximum number of simultaneous long polls. Further readers get an immediate response.
const WAITING: usize = 256;

/// Returns the newest entries. An empty stream first gets an entry without a hash, so that each
/// position in the feed belongs to an entry. A lost or replaced stream lacks that entry.
const LOAD: &str = r"#!lua flags=allow-oom
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('XADD', KEYS[1], '*', 'start', '1') end
return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])
";

/// A response of the feed.
#[derive(Debug, Serialize)]
pub struct News {
    /// `true` if entries may have been missed. The reader must re-check everything that was open
    /// before this response.
    pub reset: bool,
    /// The hashes of ended grants and access tokens, oldest first.
    pub ended: Vec<Box<str>>,
    /// The position to pass to the next request.
    pub after: Box<str>,
}

/// An entry of the stream: its id, and its hash unless it is the start entry.
struct Entry {
    id: Box<str>,
    ended: Option<Box<str>>,
}

/// The in-memory copy of the newest part of the stream.
#[derive(Default)]
struct Tail {
    entries: VecDeque<Entry>,
    /// The latest time at which the copy was known to be complete.
    as_of: Option<Instant>,
}

impl Tail {
    fn is_fresh(&self) -> bool {
        self.as_of.is_some_and(|moment| moment.elapsed() < FRESH)
    }

    /// Returns the number of entries up to position `after`, or `None` if the copy does not contain
    /// it.
    fn place(&self, after: Option<&str>) -> Option<usize> {
        let after = after?;
        // Search backwards: readers are at the end or near it.
        self.entries.iter().rposition(|entry| &*entry.id == after).map(|at| at + 1)
    }

    fn has_news(&self, after: Option<&str>) -> bool {
        self.place(after).is_none_or(|place| place < self.entries.len())
    }

    fn news(&self, after: Option<&str>) -> Option<News> {
        let place = self.place(after);
        let entries = || self.entries.iter().skip(place.unwrap_or(0)).take(PAGE);
        let last =
            entries().next_back().map(|entry| &*entry.id).or(after.filter(|_| place.is_some()))?;
        Some(News {
            reset: place.is_none(),
            ended: entries().filter_map(|entry| entry.ended.clone()).collect(),
            after: last.into(),
        })
    }

    fn add(&mut self, entries: Vec<Entry>) {
        self.entries.extend(entries);
        let excess = self.entries.len().saturating_sub(KEPT);
        self.entries.drain(..excess);
    }
}

/// The state of the feed in one process.
pub(super) struct EndedGrants {
    tail: watch::Sender<Tail>,
    /// The time of the latest read of the feed.
    asked: Mutex<Option<Instant>>,
    wake: Notify,
    waiting: Semaphore,
}

impl EndedGrants {
    pub(super) fn new() -> Self {
        Self {
            tail: watch::Sender::new(Tail::default()),
            asked: Mutex::default(),
            wake: Notify::new(),
            waiting: Semaphore::new(WAITING),
        }
    }

    fn note_reader(&self) {
        let mut asked = self.asked.lock();
        if !is_recent(asked.replace(Instant::now())) {
            self.wake.notify_one();
        }
    }

    fn is_read(&self) -> bool {
        is_recent(*self.asked.lock())
    }

    /// Replaces or extends the copy. Wakes readers if there are new entries, or if the copy is
    /// fresh again.
    fn learn(&self, read: Read, moment: Instant) {
        self.tail.send_if_modified(|tail| {
            let was_fresh = tail.is_fresh();
            let (entries, caught_up) = match read {
                Read::More(entries) => {
                    let caught_up = entries.len() < PAGE;
                    (entries, caught_up)
                }
                Read::All(entries) => {
                    tail.entries.clear();
                    (entries, true)
                }
            };
            let grew = !entries.is_empty();
            tail.add(entries);
            if caught_up {
                tail.as_of = Some(moment);
            }
            grew || !was_fresh && tail.is_fresh()
        });
    }
}

fn is_recent(asked: Option<Instant>) -> bool {
    asked.is_some_and(|moment| moment.elapsed() < LINGER)
}

/// The result of a read from the stream.
enum Read {
    /// The entries that directly follow those of the copy.
    More(Vec<Entry>),
    /// The newest entries, which replace the copy. There may be a gap between the two.
    All(Vec<Entry>),
}

impl GrantRecords {
    /// Keeps the copy of the feed current while it has readers. Never returns.
    pub async fn publish_ended(&self) {
        let mut failing = false;
        loop {
            if !self.ended.is_read() {
                self.ended.wake.notified().await;
            }
            let (moment, read) = (Instant::now(), self.read_ended().await);
            let full = matches!(&read, Ok(Read::More(entries)) if entries.len() == PAGE);
            match read {
                Ok(read) => {
                    self.ended.learn(read, moment);
                    failing = false;
                }
                Err(error) => {
                    if !failing {
                        log::warn!("cannot read the feed of ended grants from redis: {error}");
                    }
                    failing = true;
                }
            }
            if !full {
                tokio::time::sleep(POLL).await;
            }
        }
    }

    /// Returns the entries after position `after`, and waits for new ones if there are none yet.
    /// Without a position, or with an unknown one, the response is a reset. Returns `None` if the
    /// copy is not fresh.
    pub async fn ended_after(&self, after: Option<&str>) -> Option<News> {
        let feed = &self.ended;
        feed.note_reader();
        if let Ok(_place) = feed.waiting.try_acquire() {
            let mut told = feed.tail.subscribe();
            let news = told.wait_for(|tail| tail.is_fresh() && tail.has_news(after));
            // A timeout is not an error: the response is then empty.
            let _quiet = tokio::time::timeout(WAIT, news).await;
        }
        let tail = feed.tail.borrow();
        tail.is_fresh().then(|| tail.news(after)).flatten()
    }

    async fn read_ended(&self) -> Result<Read, Error> {
        let last = self.ended.tail.borrow().entries.back().map(|entry| entry.id.clone());
        let key = Key::EndedGrants.text();
        if let Some(last) = last {
            // Not from the pool, where many concurrent logins could delay it.
            let mut command = redis::cmd("XRANGE");
            command.arg(&key).arg(&*last).arg("+").arg("COUNT").arg(PAGE + 1);
            let entries: Vec<RawEntry> = self.records.ask(&command).await?;
            let mut entries = entries.into_iter().map(Entry::read);
            // The stream trims the oldest entries first. If it still contains the last known entry,
            // all later entries are there, too.
            if entries.next().is_some_and(|first| first.id == last) {
                return Ok(Read::More(entries.collect()));
            }
        }
        let script = Script::new(LOAD);
        let mut call = script.prepare_invoke();
        call.key(key).arg(KEPT);
        let entries: Vec<RawEntry> = call.invoke_async(&mut self.records.pool.get().await?).await?;
        Ok(Read::All(entries.into_iter().rev().map(Entry::read).collect()))
    }
}

/// The id of an entry, and its field names and values in turn.
type RawEntry = (String, Vec<String>);

impl Entry {
    fn read((id, fields): RawEntry) -> Self {
        let ended = match fields.as_slice() {
            [name, hash, ..] if name == "ended" => Some(hash.as_str().into()),
            _ => None,
        };
        Self { id: id.into(), ended }
    }
}
