//! The feed of ended grants and access tokens: a Redis stream of hashes, written by the same step that
//! deletes the record, and a copy in memory from which the proxies behind the gateway are answered.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis::Script;
use serde::Serialize;
use tokio::sync::{Notify, Semaphore, watch};

use super::{Error, Key, Store};
use crate::model::{Fingerprint, Identifier};

/// Entries that the stream keeps: some 100 bytes each. A reader that missed more starts again.
const KEPT: usize = 10_000;

/// Entries of one answer, and of one read from Redis.
const PAGE: usize = 1_000;

/// How often Redis is polled while somebody reads the feed.
const POLL: Duration = Duration::from_millis(200);

/// Polling pauses when nobody has read the feed for this long.
const LINGER: Duration = Duration::from_secs(10);

/// A copy that is older cannot say that nothing has ended.
const FRESH: Duration = Duration::from_secs(2);

/// How long a reader waits for news; an empty answer tells it that there are none.
const WAIT: Duration = Duration::from_secs(2);

/// Readers that may wait at once. Others are answered without waiting.
const WAITING: usize = 256;

/// Deletes a record and adds its hash to the feed, unless the record was gone. Goes on when Redis is
/// full: a revocation frees memory.
const END: &str = r"#!lua flags=allow-oom
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'ended', ARGV[2])
return 1
";

/// Returns the newest entries. An empty stream gets an entry without a hash, so that each position in the
/// feed is that of an entry: a stream that was lost or replaced lacks it.
const LOAD: &str = r"#!lua flags=allow-oom
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('XADD', KEYS[1], '*', 'start', '1') end
return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])
";

/// An answer of the feed.
#[derive(Debug, Serialize)]
pub struct News {
    /// Entries may have been missed: whatever was open before this answer has to be checked again.
    pub reset: bool,
    /// Hashes of ended grants and access tokens, oldest first.
    pub ended: Vec<Box<str>>,
    /// The position to read on from.
    pub after: Box<str>,
}

/// An entry of the stream: its id and its hash.
struct Entry {
    id: Box<str>,
    ended: Option<Box<str>>,
}

/// The newest part of the stream.
#[derive(Default)]
struct Tail {
    entries: VecDeque<Entry>,
    /// When the copy was last known to be complete.
    as_of: Option<Instant>,
}

impl Tail {
    fn is_fresh(&self) -> bool {
        self.as_of.is_some_and(|moment| moment.elapsed() < FRESH)
    }

    /// The number of entries up to position `after`; `None` if it is not in the copy.
    fn place(&self, after: Option<&str>) -> Option<usize> {
        let after = after?;
        // Readers are at the end, or near it.
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

/// The feed, as one process answers from it.
pub(super) struct EndedGrants {
    tail: watch::Sender<Tail>,
    /// When somebody last read the feed.
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
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_recent(asked.replace(Instant::now())) {
            self.wake.notify_one();
        }
    }

    fn is_read(&self) -> bool {
        is_recent(*self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces or extends the copy; readers are woken if that is news to them.
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

/// What was read from the stream.
enum Read {
    /// Entries after those of the copy.
    More(Vec<Entry>),
    /// The newest entries; those of the copy are not among them, or may lack some between.
    All(Vec<Entry>),
}

impl Store {
    /// Deletes the record of `key`, and tells the proxies that `id` has ended. Returns `true` if it was
    /// there.
    pub(super) async fn end_record(&self, key: &str, id: &Identifier) -> Result<bool, Error> {
        let script = Script::new(END);
        let mut call = script.prepare_invoke();
        call.key(key)
            .key(Key::EndedGrants.text())
            .arg(KEPT)
            .arg(Fingerprint::of(id.as_str()).as_str());
        let was_there: bool = call.invoke_async(&mut self.pool.get().await?).await?;
        // Redis will say so, too; here it holds before the caller goes on.
        self.witness.changed(key.as_bytes());
        Ok(was_there)
    }

    /// Keeps the copy of the feed current while somebody reads it. Never returns.
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
                        log::warn!("the feed of ended grants cannot be read from redis: {error}");
                    }
                    failing = true;
                }
            }
            if !full {
                tokio::time::sleep(POLL).await;
            }
        }
    }

    /// Returns what has ended after position `after`, waiting for news if there are none yet; `None` if
    /// Redis cannot tell. Without a position, or from one that is no longer known, the answer is a reset.
    pub async fn ended_after(&self, after: Option<&str>) -> Option<News> {
        let feed = &self.ended;
        feed.note_reader();
        if let Ok(_place) = feed.waiting.try_acquire() {
            let mut told = feed.tail.subscribe();
            let news = told.wait_for(|tail| tail.is_fresh() && tail.has_news(after));
            // Nothing new is an answer, too.
            let _quiet = tokio::time::timeout(WAIT, news).await;
        }
        let tail = feed.tail.borrow();
        tail.is_fresh().then(|| tail.news(after)).flatten()
    }

    async fn read_ended(&self) -> Result<Read, Error> {
        let last = self.ended.tail.borrow().entries.back().map(|entry| entry.id.clone());
        let key = Key::EndedGrants.text();
        if let Some(last) = last {
            // Not from the pool, where a flood of logins could keep it waiting.
            let mut connection = self.hot.clone();
            let mut command = redis::cmd("XRANGE");
            command.arg(&key).arg(&*last).arg("+").arg("COUNT").arg(PAGE + 1);
            let entries: Vec<RawEntry> = command.query_async(&mut connection).await?;
            let mut entries = entries.into_iter().map(Entry::read);
            // What follows the last known entry is complete, since the oldest are trimmed first.
            if entries.next().is_some_and(|first| first.id == last) {
                return Ok(Read::More(entries.collect()));
            }
        }
        let script = Script::new(LOAD);
        let mut call = script.prepare_invoke();
        call.key(key).arg(KEPT);
        let entries: Vec<RawEntry> = call.invoke_async(&mut self.pool.get().await?).await?;
        Ok(Read::All(entries.into_iter().rev().map(Entry::read).collect()))
    }
}

/// Id, names and values.
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
