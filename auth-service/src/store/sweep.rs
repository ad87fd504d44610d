//! Deletion of revoked records, in batches that leave Redis time for others. Each batch is complete in
//! itself, so that a sweep may be interrupted and repeated.

use std::time::Duration;

use redis::Script;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use super::{
    Error, Records,
    indexer::kind_of,
    key::{Key, PREFIX},
    record::Record,
    target::Target,
};
use crate::model::{AnswerRecord, ClientId, Generation, Identifier};

/// The number of index entries in a batch. Redis serves others only between the commands of a batch.
const BATCH: usize = 25;

/// The number of batches that a sweep completes whatever its deadline, unless one of them is full: of most
/// people, all is deleted before the revocation returns.
const LEAST: usize = 40;

/// The shortest pause after a full batch.
const PAUSE: Duration = Duration::from_millis(2);

/// The pause after a full batch, in multiples of the time that it took.
const REST: u32 = 3;

/// Removes a revocation from the queue, unless it was repeated meanwhile.
const DONE: &str = r"
local score = redis.call('ZSCORE', KEYS[1], ARGV[2])
if score and tonumber(score) <= tonumber(ARGV[1]) then redis.call('ZREM', KEYS[1], ARGV[2]) end
return 1
";

/// The pace of a sweep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    deadline: Instant,
}

impl Pace {
    /// Returns a pace that ends at `deadline`.
    pub(super) const fn until(deadline: Instant) -> Self {
        Self { deadline }
    }

    /// Returns `true` once the deadline has passed.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Waits after a batch that began at `begun`, so that most of the time is left to others.
    pub(super) async fn rest(&self, begun: Instant) {
        let rest = (begun.elapsed() * REST).max(PAUSE);
        sleep_until((Instant::now() + rest).min(self.deadline)).await;
    }
}

/// The result of a sweep, as numbers of records.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swept {
    pub(super) grants: usize,
    pub(super) others: usize,
    /// Records that cannot be decoded, so that it is not known to whom they belong.
    pub(super) unreadable: usize,
    /// `false` if the deadline came first.
    pub(super) is_done: bool,
}

/// The parts of a record that decide whether it is deleted. All kinds but grants have them.
#[derive(Deserialize)]
struct Stub {
    #[serde(default)]
    generation: Generation,
    /// The grant of a code, which states the generation.
    grant: Option<Identifier>,
    client_id: Option<ClientId>,
    request: Option<Requested>,
}

#[derive(Deserialize)]
struct Requested {
    client_id: ClientId,
}

impl Stub {
    fn generation(&self) -> u64 {
        self.grant.as_ref().map_or(self.generation, Generation::of_grant).0
    }

    fn client(&self) -> Option<&ClientId> {
        self.client_id.as_ref().or(self.request.as_ref().map(|request| &request.client_id))
    }
}

/// The kind of records in an index.
#[derive(Clone, Copy)]
enum Kind {
    Grants,
    Others,
}

/// A sweep of one target.
struct Sweep<'a> {
    records: &'a Records,
    target: &'a Target,
    generation: u64,
    pace: Pace,
    batches: usize,
    swept: Swept,
}

impl Records {
    /// Deletes the records of `target` that are of an earlier generation. Removes the revocation from the
    /// queue when none is left.
    pub(in crate::store) async fn sweep(
        &self,
        target: &Target,
        generation: u64,
        pace: Pace,
    ) -> Result<Swept, Error> {
        let mut sweep =
            Sweep { records: self, target, generation, pace, batches: 0, swept: Swept::default() };
        for index in self.other_indexes(target).await? {
            if !sweep.index(&index, Kind::Others).await? {
                return Ok(sweep.swept);
            }
        }
        for index in self.grant_indexes(target).await? {
            if !sweep.index(&index, Kind::Grants).await? {
                return Ok(sweep.swept);
            }
        }
        let script = Script::new(DONE);
        let mut call = script.prepare_invoke();
        call.key(Key::Sweeps.text()).arg(generation).arg(target.name());
        let () = call.invoke_async(&mut self.pool.get().await?).await?;
        Ok(Swept { is_done: true, ..sweep.swept })
    }
}

/// Returns the other record of a device, without the common prefix.
fn counterpart(name: &str) -> Option<String> {
    let (kind, device) = name.split_once(':')?;
    match kind {
        "device" => Some(format!("device-decision:{device}")),
        "device-decision" => Some(format!("device:{device}")),
        _ => None,
    }
}

impl Sweep<'_> {
    /// Sweeps one index, the latest entries first. Repeats until a whole pass finds nothing: others may
    /// remove entries meanwhile, which moves those behind them. Returns `false` if time is over.
    async fn index(&mut self, index: &str, kind: Kind) -> Result<bool, Error> {
        loop {
            let (mut start, mut found, mut unreadable) = (0, false, 0);
            loop {
                if self.batches >= LEAST && self.pace.is_over() {
                    return Ok(false);
                }
                self.batches += 1;
                let begun = Instant::now();
                let page = self.page(index, kind, start).await?;
                if page.is_empty() {
                    break;
                }
                let members: Vec<&str> = page.iter().map(|(member, _)| member.as_str()).collect();
                let dead: Vec<String> = match kind {
                    Kind::Grants => self.dead_grants(&members).await?,
                    Kind::Others => self.dead_others(&members, &mut unreadable).await?,
                };
                start += members.len() - dead.len();
                if !dead.is_empty() {
                    found = true;
                    self.remove(index, kind, &dead).await?;
                }
                if page.len() == BATCH {
                    self.batches = LEAST;
                    self.pace.rest(begun).await;
                }
            }
            if !found {
                self.swept.unreadable += unreadable;
                return Ok(true);
            }
        }
    }

    /// Reads a page of the index, latest first: members and scores.
    async fn page(
        &self,
        index: &str,
        kind: Kind,
        start: usize,
    ) -> Result<Vec<(String, i64)>, Error> {
        let mut range = redis::cmd("ZRANGE");
        match (self.target, kind) {
            // Only what is older.
            (Target::Before(end), Kind::Grants) => {
                range.arg(index).arg(format!("({}", end.0)).arg("-inf").arg("BYSCORE").arg("REV");
                range.arg("LIMIT").arg(start).arg(BATCH);
            }
            _ => {
                range.arg(index).arg(start).arg(start + BATCH - 1).arg("REV");
            }
        }
        range.arg("WITHSCORES");
        Ok(range.query_async(&mut self.records.pool.get().await?).await?)
    }

    async fn remove(&mut self, index: &str, kind: Kind, dead: &[String]) -> Result<(), Error> {
        match kind {
            Kind::Grants => {
                let ids: Vec<_> = dead.iter().map(|id| Identifier::parsed(id)).collect();
                self.swept.grants += self.records.remove_grants(&ids, None).await?;
            }
            Kind::Others => {
                // A device whose decision is gone would wait for another one, and the other way around.
                let keys: Vec<String> = dead
                    .iter()
                    .flat_map(|name| [Some(name.clone()), counterpart(name)])
                    .flatten()
                    .map(|name| [PREFIX, &name].concat())
                    .collect();
                // An outcome only repeats what is counted already.
                let (answers, keys): (Vec<_>, Vec<_>) =
                    keys.into_iter().partition(|key| kind_of(key) == AnswerRecord::KIND);
                self.records.delete_all(&answers).await?;
                self.swept.others += self.records.delete_all(&keys).await?;
            }
        }
        let mut remove = redis::cmd("ZREM");
        remove.arg(index).arg(dead);
        Ok(remove.query_async(&mut self.records.pool.get().await?).await?)
    }

    /// Returns those of a page of grants that are revoked. Their ids and entries tell, except at one client
    /// of a person.
    async fn dead_grants(&self, members: &[&str]) -> Result<Vec<String>, Error> {
        let mut dead = Vec::new();
        for id in members {
            let is_older = matches!(self.target, Target::Before(_));
            if is_older || Generation::of_grant(&Identifier::parsed(id)).0 < self.generation {
                dead.push((*id).to_owned());
            }
        }
        if let Target::Pair(_, client) = self.target {
            let keys: Vec<_> =
                dead.iter().map(|id| Key::Grant(&Identifier::parsed(id)).text()).collect();
            let texts = self.records.texts(&keys).await?;
            // An entry whose grant is gone is removed, too.
            let other = |text: Option<String>| {
                let stub = text.map(|text| serde_json::from_str::<Stub>(&text));
                stub.is_some_and(|stub| stub.map_or(true, |stub| stub.client() != Some(client)))
            };
            let mut others = texts.into_iter().map(other);
            dead.retain(|_| !others.next().unwrap_or(true));
        }
        Ok(dead)
    }

    /// Returns those of a page of other records that are revoked. A record that cannot be decoded belongs to
    /// the owner of the index; whether it belongs to one client is not known.
    async fn dead_others(
        &self,
        members: &[&str],
        unreadable: &mut usize,
    ) -> Result<Vec<String>, Error> {
        let keys: Vec<String> = members.iter().map(|name| [PREFIX, name].concat()).collect();
        let texts = self.records.texts(&keys).await?;
        let mut dead = Vec::new();
        for (member, text) in members.iter().zip(texts) {
            // The record may be written right now. The entry ends with it.
            let Some(text) = text else { continue };
            let stub = serde_json::from_str::<Stub>(&text);
            let is_dead = match (self.target, stub) {
                (Target::Pair(..), Err(_)) => {
                    *unreadable += 1;
                    false
                }
                (Target::Pair(_, client), Ok(stub)) => {
                    stub.client() == Some(client) && stub.generation() < self.generation
                }
                (_, stub) => stub.map_or(true, |stub| stub.generation() < self.generation),
            };
            if is_dead {
                dead.push((*member).to_owned());
            }
        }
        Ok(dead)
    }
}
