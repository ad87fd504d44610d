//! The relay, which moves events from the outboxes to the audit log and the stream. One instance at a time
//! does it.
//!
//! It works in steps: the line is appended to the file, the event is added to the stream, the event is
//! removed from the outbox, and the announcement is removed. Whatever interrupts it, the next relay
//! repeats the steps. An event that the file has already is recognized by its id, and so is one of the
//! stream.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use gateway_contract::audit::EventKind;
use redis::Script;
use tokio::time::{sleep, timeout};

use super::{
    AuditRecords,
    stream::{Addition, names},
};
use crate::{
    model::Fingerprint,
    store::{Error, Records, key::Key, lease::Lease},
};

/// The interval between looks at the outboxes, for events of other processes.
const INTERVAL: Duration = Duration::from_millis(500);

/// The time for which events of this process are gathered.
const GATHER: Duration = Duration::from_millis(20);

/// The lifetime of the lease. After a crash, another instance goes on after this time.
const LEASE: Duration = Duration::from_secs(5);

/// The age at which an announcement without an event is removed: its writer has ended.
const STALE: Duration = Duration::from_secs(60);

/// The number of announcements that are read at once.
const PAGE: usize = 250;

/// The number of events that are read from one outbox at once.
const DEPTH: usize = 32;

/// Removes the first events of an outbox, if they are these.
const REMOVE: &str = r"#!lua flags=allow-oom
for _, line in ipairs(ARGV) do
    if redis.call('LINDEX', KEYS[1], 0) ~= line then return 0 end
    redis.call('LPOP', KEYS[1])
end
return 1
";

/// Turns the number of lost events into an event with that count, in an outbox of the same slot.
const COLLECT_LOST: &str = r"#!lua flags=allow-oom
local lost = redis.call('GET', KEYS[2])
if not lost then return 0 end
redis.call('DEL', KEYS[2])
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('RPUSH', KEYS[3], (string.gsub(ARGV[2], '0000000000', lost, 1)))
return lost
";

/// The placeholder of the number in the event of [`COLLECT_LOST`].
const PLACEHOLDER: (&str, &str) = ("\"count\":0", "\"count\":0000000000");

/// Announces the events of an outbox again.
const ANNOUNCE_ALL: &str = r"#!lua flags=allow-oom
local time = redis.call('TIME')
for _, name in ipairs(ARGV) do
    redis.call('ZADD', KEYS[1], 'NX', time[1] * 1000 + math.floor(time[2] / 1000), name)
end
return 1
";

/// The state of the relay in this process.
#[derive(Default)]
pub(in crate::store) struct Relay {
    lease: Option<Lease>,
    /// The ids of events that this process has appended to the file, and not yet removed from outboxes.
    appended: HashSet<String>,
    /// The ids of the latest events in the file, from before this process got the lease.
    found: Option<HashSet<String>>,
}

/// An event in an outbox.
struct Outboxed {
    outbox: String,
    id: String,
    line: String,
    subjects: Vec<String>,
}

impl AuditRecords {
    /// Moves events from the outboxes, and writes those of no change. Never returns.
    pub async fn relay(&self) {
        let mut failing = false;
        loop {
            if timeout(INTERVAL, self.records.posted.notified()).await.is_ok() {
                sleep(GATHER).await;
            }
            // Boxed to keep the futures of the callers small.
            let done = Box::pin(self.relay_once()).await;
            if let Err(error) = &done
                && !failing
            {
                log::warn!("audit events were not moved yet: {error}");
            }
            failing = done.is_err();
            if failing {
                sleep(INTERVAL).await;
            }
        }
    }

    /// Writes what this process has noted, and moves the events of all outboxes if this process has the
    /// lease.
    pub async fn relay_once(&self) -> Result<(), Error> {
        let told = self.flush_told().await;
        let mut relay = self.relay.lock().await;
        if self.holds_lease(&mut relay).await? {
            self.collect_lost().await?;
            while self.move_all(&mut relay).await? {}
            relay.found = Some(HashSet::new());
        }
        told
    }

    /// Returns the lease, so that another instance need not wait for its end.
    pub async fn stop_relay(&self) -> Result<(), Error> {
        self.relay_once().await?;
        match self.relay.lock().await.lease.take() {
            Some(lease) => lease.release(&self.records).await,
            None => Ok(()),
        }
    }

    async fn holds_lease(&self, relay: &mut Relay) -> Result<bool, Error> {
        if let Some(lease) = &mut relay.lease
            && lease.keep(&self.records).await?
        {
            return Ok(true);
        }
        relay.lease = Lease::take(&self.records, Key::RelayLease.text(), LEASE).await?;
        // Another process may have appended to the file meanwhile.
        relay.found = None;
        Ok(relay.lease.is_some())
    }

    async fn collect_lost(&self) -> Result<(), Error> {
        let draft = self.draft(EventKind::AuditLost).failed("too many events at once").count(0);
        let Some(entry) = self.entry(draft) else { return Ok(()) };
        let outbox = Key::Outbox(&Key::Outboxes.text()).text();
        let script = Script::new(COLLECT_LOST);
        let mut call = script.prepare_invoke();
        call.key(Key::Outboxes.text()).key(Key::LostEvents.text()).key(&outbox);
        call.arg(format!("{} {outbox}", entry.id));
        call.arg(entry.line.replace(PLACEHOLDER.0, PLACEHOLDER.1));
        let lost: u64 = call.invoke_async(&mut self.records.pool.get().await?).await?;
        self.refusals.count_lost(lost);
        Ok(())
    }

    /// Moves what the outboxes have now. Returns `true` if some have more.
    async fn move_all(&self, relay: &mut Relay) -> Result<bool, Error> {
        let (mut start, mut has_more) = (0, false);
        loop {
            let mut pipe = redis::pipe();
            pipe.cmd("TIME").cmd("ZRANGE").arg(Key::Outboxes.text());
            pipe.arg(start).arg(start + PAGE - 1).arg("WITHSCORES");
            let ((now, _), page): ((u64, u64), Vec<(String, u64)>) =
                pipe.query_async(&mut self.records.pool.get().await?).await?;
            if page.is_empty() {
                return Ok(has_more);
            }
            if !self.holds_lease(relay).await? {
                return Ok(false);
            }
            let old = now.saturating_sub(STALE.as_secs()).saturating_mul(1_000);
            let (removed, is_deep) = self.move_page(relay, &page, old).await?;
            has_more |= is_deep;
            start += page.len() - removed;
            if page.len() < PAGE {
                return Ok(has_more);
            }
        }
    }

    /// Moves the events of one page of announcements. Returns the number of announcements that are done,
    /// and `true` if an outbox has more events.
    async fn move_page(
        &self,
        relay: &mut Relay,
        page: &[(String, u64)],
        old: u64,
    ) -> Result<(usize, bool), Error> {
        let parts =
            |name: &str| name.split_once(' ').map(|(id, key)| (id.to_owned(), key.to_owned()));
        let announced: Vec<_> =
            page.iter().map(|(name, score)| (parts(name), name, *score)).collect();
        let mut outboxes: Vec<&str> =
            announced.iter().filter_map(|(parts, ..)| Some(&*parts.as_ref()?.1)).collect();
        outboxes.sort_unstable();
        outboxes.dedup();
        let (events, deep) = self.read_outboxes(&outboxes).await?;
        self.move_events(relay, &events).await?;
        let moved: HashSet<&str> = events.iter().map(|event| &*event.id).collect();
        let is_done = |parts: &Option<(String, String)>, score: u64| match parts {
            Some((id, outbox)) => {
                moved.contains(&**id) || (score < old && !deep.contains(&**outbox))
            }
            None => true,
        };
        let done: Vec<&String> = announced
            .iter()
            .filter(|(parts, _, score)| is_done(parts, *score))
            .map(|(_, name, _)| *name)
            .collect();
        if !done.is_empty() {
            let mut remove = redis::cmd("ZREM");
            remove.arg(Key::Outboxes.text()).arg(&done);
            let () = remove.query_async(&mut self.records.pool.get().await?).await?;
        }
        Ok((done.len(), !deep.is_empty()))
    }

    /// Reads the events of outboxes in the order of their ids. Returns also the outboxes that may have more.
    async fn read_outboxes<'a>(
        &self,
        outboxes: &[&'a str],
    ) -> Result<(Vec<Outboxed>, HashSet<&'a str>), Error> {
        let mut pipe = redis::pipe();
        for outbox in outboxes {
            pipe.cmd("LRANGE").arg(outbox).arg(0).arg(DEPTH - 1);
        }
        if pipe.is_empty() {
            return Ok((Vec::new(), HashSet::new()));
        }
        let lists: Vec<Vec<String>> = pipe.query_async(&mut self.records.pool.get().await?).await?;
        let both = || outboxes.iter().copied().zip(&lists);
        let deep = both().filter(|(_, lines)| lines.len() == DEPTH).map(|(outbox, _)| outbox);
        let deep = deep.collect();
        let mut events: Vec<Outboxed> = both()
            .flat_map(|(outbox, lines)| lines.iter().map(move |line| (outbox, line)))
            .map(|(outbox, line)| {
                // A line of a later version is moved as it is.
                let unknown = || (Fingerprint::of(line).to_string(), Vec::new());
                let (id, subjects) = names(line).unwrap_or_else(unknown);
                Outboxed { outbox: outbox.to_owned(), id, line: line.clone(), subjects }
            })
            .collect();
        // Stable: events of one outbox keep their order.
        events.sort_by(|one, other| one.id.cmp(&other.id));
        Ok((events, deep))
    }

    /// Moves events: to the file, to the stream, and out of the outboxes.
    async fn move_events(&self, relay: &mut Relay, events: &[Outboxed]) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        if relay.found.is_none() {
            let log = self.log.clone();
            let ids = tokio::task::spawn_blocking(move || log.tail_ids()).await;
            let ids = ids.map_err(std::io::Error::other).and_then(|ids| ids);
            relay.found = Some(ids.map_err(Error::AuditLog)?);
        }
        let is_in_file = |id: &String| {
            relay.appended.contains(id) || relay.found.as_ref().is_some_and(|ids| ids.contains(id))
        };
        let fresh: Vec<&Outboxed> = events.iter().filter(|event| !is_in_file(&event.id)).collect();
        let lines = fresh.iter().map(|event| event.line.clone()).collect();
        let ids: Vec<String> = fresh.iter().map(|event| event.id.clone()).collect();
        if let Err(error) = self.append(lines).await {
            // Some lines may be in the file.
            relay.found = None;
            return Err(Error::AuditLog(error));
        }
        relay.appended.extend(ids);
        let additions: Vec<_> = events
            .iter()
            .map(|Outboxed { id, line, subjects, .. }| Addition {
                id,
                line,
                subjects: subjects.clone(),
            })
            .collect();
        self.add_all(&additions, true).await?;
        let mut lists = BTreeMap::<&str, Vec<&str>>::new();
        for event in events {
            lists.entry(&event.outbox).or_default().push(&event.line);
        }
        let mut pipe = redis::pipe();
        for (outbox, lines) in lists {
            pipe.cmd("EVAL").arg(REMOVE).arg(1).arg(outbox).arg(lines).ignore();
        }
        let () = pipe.exec_async(&mut self.records.pool.get().await?).await?;
        for event in events {
            relay.appended.remove(&event.id);
        }
        Ok(())
    }
}

impl Records {
    /// Announces the events of outboxes again, whose announcements were lost.
    pub(in crate::store) async fn announce_again(&self, outboxes: &[&String]) -> Result<(), Error> {
        for outbox in outboxes {
            let mut read = redis::cmd("LRANGE");
            read.arg(outbox).arg(0).arg(-1);
            let lines: Vec<String> = read.query_async(&mut self.pool.get().await?).await?;
            let ids = lines.iter().filter_map(|line| names(line)).map(|(id, _)| id);
            let script = Script::new(ANNOUNCE_ALL);
            let mut call = script.prepare_invoke();
            call.key(Key::Outboxes.text());
            for id in ids {
                call.arg(format!("{id} {outbox}"));
            }
            let () = call.invoke_async(&mut self.pool.get().await?).await?;
        }
        Ok(())
    }
}
