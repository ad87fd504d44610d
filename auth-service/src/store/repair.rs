//! Repair of the indexes: a walk through all records that adds what has no index entry, and removes index
//! entries without a record.
//!
//! It runs once after the upgrade from a version without indexes, again while instances of that version
//! still write, and then every week. It may be interrupted and repeated at any time.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Error, Records,
    index::add_grant,
    indexer::{add_record, add_token, is_indexed_by_itself, kind_of},
    key::{Key, Owner, PREFIX},
    record::Record,
    sweep::Pace,
    target::day_of,
};
use crate::model::{AccessRecord, Grant, Identifier, UnixTime};

/// The `COUNT` hint of a `SCAN` call, and the number of index entries that are checked at once.
const BATCH: usize = 100;

/// The number of passes without a find after which no old instance is presumed to run.
const CLEAN: u32 = 2;

/// The time until the next pass while there were finds, and afterwards.
const AGAIN: (Duration, Duration) = (Duration::from_mins(10), Duration::from_hours(7 * 24));

/// More than the walk through one index takes.
const LONGEST: Duration = Duration::from_hours(1);

/// The state of a pass in this process.
#[derive(Debug, Default)]
pub(super) struct Repair {
    /// The position of the walk; 0 between two passes.
    cursor: u64,
    /// The number of records without index entry that this pass has found.
    found: usize,
    /// The number of latest passes without a find.
    clean: u32,
}

impl Repair {
    /// Works until the deadline of `pace`. Returns `true` at the end of a pass.
    pub(super) async fn work(
        &mut self,
        records: &Records,
        now: UnixTime,
        pace: Pace,
    ) -> Result<bool, Error> {
        while !pace.is_over() {
            let begun = Instant::now();
            let mut scan = redis::cmd("SCAN");
            scan.arg(self.cursor).arg("MATCH").arg(format!("{PREFIX}*")).arg("COUNT").arg(BATCH);
            let (next, keys): (u64, Vec<String>) =
                scan.query_async(&mut records.pool.get().await?).await?;
            self.found += records.repair_grants(&keys).await?;
            self.found += records.repair_tokens(&keys, now).await?;
            records.repair_others(&keys, now).await?;
            pace.rest(begun).await;
            for index in keys.iter().filter(|key| is_index(key)) {
                records.trim_index(index, now).await?;
            }
            let outboxes: Vec<_> = keys.iter().filter(|key| kind_of(key) == "outbox").collect();
            records.announce_again(&outboxes).await?;
            for uses in keys.iter().filter(|key| kind_of(key) == "uses") {
                records.trim_uses(uses).await?;
            }
            self.cursor = next;
            if next == 0 {
                self.finish(records, now).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn finish(&mut self, records: &Records, now: UnixTime) -> Result<(), Error> {
        if self.found > 0 {
            log::info!("{} records of an earlier version were indexed", self.found);
        }
        records.trim_days(now).await?;
        self.clean = if self.found == 0 { self.clean + 1 } else { 0 };
        self.found = 0;
        let again = if self.clean < CLEAN { AGAIN.0 } else { AGAIN.1 };
        let mut mark = redis::cmd("SET");
        mark.arg(Key::Indexed.text()).arg(self.clean).arg("EX").arg(again.as_secs());
        Ok(mark.query_async(&mut records.pool.get().await?).await?)
    }
}

/// Returns `true` for an index of grants, whose entries do not expire by themselves.
fn is_index(key: &str) -> bool {
    let kind = key.strip_prefix(PREFIX).and_then(|name| name.strip_prefix("grants:"));
    kind.is_some_and(|owner| owner != "days")
}

impl Records {
    /// Reads the records of one kind among `keys`. One that cannot be decoded is left alone.
    async fn of_kind<T: Record>(&self, keys: &[String]) -> Result<Vec<T>, Error> {
        let keys = keys.iter().filter(|key| kind_of(key) == T::KIND).cloned();
        let texts = self.texts(&keys.collect::<Vec<_>>()).await?;
        Ok(texts
            .into_iter()
            .flatten()
            .filter_map(|text| serde_json::from_str(&text).ok())
            .collect())
    }

    /// Indexes grants, and removes those that were revoked before they had an index entry. Returns the
    /// number of grants that were indexed.
    async fn repair_grants(&self, keys: &[String]) -> Result<usize, Error> {
        let all: Vec<Grant> = self.of_kind(keys).await?;
        if all.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Identifier> = all.iter().map(|grant| grant.id.clone()).collect();
        let live = self.unless_any_revoked(all.into_iter().map(Some).collect()).await?;
        let dead: Vec<Identifier> = ids
            .into_iter()
            .zip(&live)
            .filter_map(|(id, grant)| grant.is_none().then_some(id))
            .collect();
        self.remove_grants(&dead, None).await?;
        let live: Vec<Grant> = live.into_iter().flatten().collect();
        let mut connection = self.pool.get().await?;
        let mut pipe = redis::pipe();
        for grant in &live {
            // The entry of the day is the last that is written.
            let day = Owner::Day(day_of(grant.created_at));
            pipe.cmd("ZSCORE").arg(Key::Grants(day).text()).arg(grant.id.as_str());
        }
        let entries: Vec<Option<f64>> = pipe.query_async(&mut connection).await?;
        let mut pipe = redis::pipe();
        let missing = live.iter().zip(entries).filter(|(_, entry)| entry.is_none());
        let count = missing.map(|(grant, _)| add_grant(&mut pipe, grant)).count();
        if count > 0 {
            let () = pipe.exec_async(&mut connection).await?;
        }
        Ok(count)
    }

    /// Indexes access tokens of an earlier version, whose `jti` does not name the grant. Returns the number
    /// of those that had no entry.
    async fn repair_tokens(&self, keys: &[String], now: UnixTime) -> Result<usize, Error> {
        let is_old = |key: &&String| key.rsplit(':').next().is_some_and(|jti| !jti.contains('.'));
        let keys: Vec<String> = keys.iter().filter(is_old).cloned().collect();
        let tokens: Vec<AccessRecord> = self.of_kind(&keys).await?;
        if tokens.is_empty() {
            return Ok(0);
        }
        let mut pipe = redis::pipe();
        for token in &tokens {
            pipe.cmd("EXISTS").arg(Key::GrantOfToken(&token.jti).text());
        }
        for token in &tokens {
            add_token(&mut pipe, token, now);
        }
        let known: Vec<bool> = pipe.query_async(&mut self.pool.get().await?).await?;
        Ok(known.into_iter().filter(|known| !known).count())
    }

    /// Indexes logins, consents, codes, pending requests, and the registrations of the operator.
    async fn repair_others(&self, keys: &[String], now: UnixTime) -> Result<(), Error> {
        let others = keys.iter().filter(|key| is_indexed_by_itself(kind_of(key)));
        let others: Vec<String> = others.cloned().collect();
        let mut pipe = redis::pipe();
        for (key, text) in others.iter().zip(self.texts(&others).await?) {
            if let Some(text) = text {
                add_record(&mut pipe, key, &text, now);
            }
        }
        if pipe.is_empty() {
            return Ok(());
        }
        Ok(pipe.exec_async(&mut self.pool.get().await?).await?)
    }

    /// Removes the entries of an index whose grants are gone.
    async fn trim_index(&self, index: &str, now: UnixTime) -> Result<(), Error> {
        // To its end, however long it is.
        let (pace, mut start) = (Pace::until(Instant::now() + LONGEST), 0);
        loop {
            let begun = Instant::now();
            let mut range = redis::cmd("ZRANGE");
            range.arg(index).arg(start).arg(start + BATCH - 1).arg("REV").arg("WITHSCORES");
            let entries: Vec<(String, i64)> =
                range.query_async(&mut self.pool.get().await?).await?;
            let count = entries.len();
            start += count - self.try_to_trim(vec![(index.to_owned(), entries)], now).await?;
            if count < BATCH {
                return Ok(());
            }
            pace.rest(begun).await;
        }
    }

    /// Removes past days whose indexes are empty.
    async fn trim_days(&self, now: UnixTime) -> Result<(), Error> {
        // The index of today may get its first entry right now.
        let past = day_of(now).saturating_sub(1);
        for days in [Key::GrantDays, Key::OtherDays] {
            for day in self.days(&days).await?.into_iter().filter(|day| *day < past) {
                let owner = Owner::Day(day);
                let is_of_grants = matches!(days, Key::GrantDays);
                let index = if is_of_grants { Key::Grants(owner) } else { Key::Others(owner) };
                if !self.exists(&index).await? {
                    self.leave(&days, &day.to_string()).await?;
                }
            }
        }
        Ok(())
    }
}
