//! Restore of a backup, with the indexes of its records.

use redis::{Pipeline, Script};

use super::{
    Error, Maintenance,
    backup::{BATCH, Entry, Held},
    indexer::{add_record, kind_of},
    key::{GENERATIONS, Key, is_derived},
    record::Record,
};
use crate::model::{Generation, Grant, Identifier, UnixTime};

/// Raises the counter of generations, unless it is higher.
const RAISE: &str = r"
local now = redis.call('GET', KEYS[1])
if not now or tonumber(now) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1
";

/// The result of a restore, as numbers of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The number of entries that were written.
    pub written: usize,
    /// The number of entries that were skipped because they have expired.
    pub ended: usize,
}

impl Maintenance {
    /// Returns the number of `entries` whose keys exist, and which a restore would overwrite.
    pub async fn present(&self, entries: &[Entry]) -> Result<usize, Error> {
        let mut connection = self.records.pool.get().await?;
        let mut present = 0;
        for entries in entries.chunks(BATCH) {
            let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            let found: usize = redis::cmd("EXISTS").arg(keys).query_async(&mut connection).await?;
            present += found;
        }
        Ok(present)
    }

    /// Undoes the revocations since the backup: deletes what is revoked now, and then forgets it. Call it
    /// before the first entry is restored.
    pub async fn prepare_restore(&self) -> Result<(), Error> {
        self.finish_sweeps().await?;
        let mut connection = self.records.pool.get().await?;
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{GENERATIONS}*")).arg("COUNT").arg(BATCH);
            let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
            if !keys.is_empty() {
                let () = redis::cmd("DEL").arg(keys).query_async(&mut connection).await?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(());
            }
        }
    }

    /// Writes `entries` and overwrites existing keys. Skips entries that have expired, and indexes, which
    /// are written along with the records.
    pub async fn restore(&self, entries: &[Entry], now: UnixTime) -> Result<Restored, Error> {
        let mut connection = self.records.pool.get().await?;
        let mut done = Restored::default();
        for entries in entries.chunks(BATCH) {
            let has_ended = |entry: &&Entry| {
                entry.expires_at_ms.is_some_and(|end| end <= now.0.saturating_mul(1000))
            };
            let current: Vec<&Entry> = entries
                .iter()
                .filter(|entry| !has_ended(entry) && !is_derived(&entry.key))
                .collect();
            let generation = current.iter().map(|entry| entry.generation()).max();
            if let Some(generation) = generation.filter(|generation| !generation.is_first()) {
                let script = Script::new(RAISE);
                let mut call = script.prepare_invoke();
                call.key(Key::Generation.text()).arg(generation.0);
                let () = call.invoke_async(&mut connection).await?;
            }
            let (mut index, mut records) = (redis::pipe(), redis::pipe());
            for entry in &current {
                entry.write(&mut index, &mut records, now);
            }
            for pipe in [index, records] {
                if !pipe.is_empty() {
                    let () = pipe.exec_async(&mut connection).await?;
                }
            }
            done.written += current.len();
            done.ended += entries.iter().filter(has_ended).count();
        }
        Ok(done)
    }
}

/// Returns `true` for the sets of blocked people and refused clients.
fn is_of_barred(key: &str) -> bool {
    [Key::BlockedPeople, Key::RefusedClients].iter().any(|barred| barred.text() == key)
}

impl Entry {
    /// Returns the generation that the counter must have reached for this entry.
    fn generation(&self) -> Generation {
        match &self.value {
            Held::String(text) if self.key == Key::Generation.text() => {
                Generation(text.parse().unwrap_or_default())
            }
            Held::String(_) if kind_of(&self.key) == Grant::KIND => {
                let id = self.key.rsplit('{').next().unwrap_or("").trim_end_matches('}');
                Generation::of_grant(&Identifier::parsed(id))
            }
            _ => Generation::default(),
        }
    }

    fn write(&self, index: &mut Pipeline, pipe: &mut Pipeline, now: UnixTime) {
        match &self.value {
            Held::String(_) if self.key == Key::Generation.text() => {}
            Held::String(text) => {
                add_record(index, &self.key, text, now);
                let command = pipe.cmd("SET").arg(&self.key).arg(text);
                if let Some(end) = self.expires_at_ms {
                    command.arg("PXAT").arg(end);
                }
                command.ignore();
            }
            Held::SortedSet(members) => {
                // Whoever was barred since the backup stays barred.
                if !is_of_barred(&self.key) {
                    pipe.cmd("DEL").arg(&self.key).ignore();
                }
                for (member, score) in members {
                    pipe.cmd("ZADD").arg(&self.key).arg(score).arg(member).ignore();
                }
                if let Some(end) = self.expires_at_ms {
                    pipe.cmd("PEXPIREAT").arg(&self.key).arg(end).ignore();
                }
            }
        }
    }
}
