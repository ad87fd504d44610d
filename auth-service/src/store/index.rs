//! Indexes of grants and other revocable records by their owners. An entry is written before its record,
//! so that no record is ever without one; an entry whose record is gone is trimmed by who meets it.
//!
//! Grants are sorted by creation, which never changes, and the others by expiry. Members are the ids of
//! grants, and the keys of other records without the common prefix.

use redis::Pipeline;
use serde::Serialize;

use super::{
    AuditEntry, Error, Records, Ttl,
    audit::outbox::{Posting, add_announcement},
    generations::{Affiliation, Revocable, login_of},
    key::{Key, Owner, PREFIX},
    target::day_of,
};
use crate::model::{CLIENT_PROVIDER, Grant, Identifier, UnixTime, User};

/// The number of entries of an index that each new grant checks.
const SAMPLE: usize = 3;

/// The time that a record may be written after its index entry, in seconds.
const GRACE: i64 = 60;

/// The lifetime of the subjects of a login name, in seconds. Each login renews it, and so does the
/// repair of the indexes.
const SUBJECTS_LIFE: u32 = 400 * 86_400;

/// The time for which a person is listed after the latest login or consent, in seconds.
const PERSON_LIFE: u32 = 400 * 86_400;

/// Some entries of an index: its key, and ids of grants with their creation.
type Sample = (String, Vec<(String, i64)>);

/// Returns the owners in whose indexes a record is.
pub(super) fn owners<'a>(of: &Affiliation<'a>, day: UnixTime) -> Vec<Owner<'a>> {
    let user = of.user.map(|user| Owner::User(&user.subject));
    let client = of.client.map(Owner::Client);
    let servers = of.resources.iter().map(Owner::Server);
    let day = Owner::Day(day_of(day));
    user.into_iter().chain(client).chain(servers).chain([day]).collect()
}

/// Adds the commands that write the entries of `grant`.
pub(super) fn add_grant(pipe: &mut Pipeline, grant: &Grant) {
    for owner in owners(&grant.affiliation(), grant.created_at) {
        pipe.zadd_one(&Key::Grants(owner).text(), grant.created_at, grant.id.as_str());
        if let Owner::Day(day) = owner {
            pipe.zadd_one(&Key::GrantDays.text(), UnixTime(day), &day.to_string());
        }
    }
    pipe.cmd("ZADD").arg(Key::GrantedClients.text()).arg("GT").arg(grant.created_at.0);
    pipe.arg(grant.client_id.as_str()).ignore();
    add_person(pipe, &grant.user, grant.created_at);
}

/// Adds the commands that write the entries of the record of `key`, which expires at `end`.
pub(super) fn add_other(
    pipe: &mut Pipeline,
    of: &Affiliation<'_>,
    key: &str,
    (now, end): (UnixTime, UnixTime),
) {
    let member = key.strip_prefix(PREFIX).unwrap_or(key);
    for owner in owners(of, end) {
        let index = Key::Others(owner).text();
        pipe.zadd_one(&index, end, member);
        if let Owner::Day(day) = owner {
            pipe.zadd_one(&Key::OtherDays.text(), UnixTime(day), &day.to_string());
        } else {
            let ended = now.0.saturating_sub(GRACE);
            pipe.cmd("ZREMRANGEBYSCORE").arg(&index).arg("-inf").arg(ended).ignore();
        }
        expire_later(
            pipe,
            &index,
            Ttl::until(now, UnixTime(end.0.saturating_add(GRACE))).seconds(),
        );
    }
    if let Some(user) = of.user {
        add_person(pipe, user, now);
    }
}

/// Adds the commands that postpone the expiry of `key` to `seconds` from now, but not bring it forward.
pub(super) fn expire_later(pipe: &mut Pipeline, key: &str, seconds: u64) {
    // `GT` takes a key without expiry for one that never expires.
    for condition in ["NX", "GT"] {
        pipe.cmd("EXPIRE").arg(key).arg(seconds).arg(condition).ignore();
    }
}

/// Adds the commands that note a person who logged in or consented at `at`.
fn add_person(pipe: &mut Pipeline, user: &User, at: UnixTime) {
    if user.person().provider() == CLIENT_PROVIDER {
        return;
    }
    if let Ok(text) = serde_json::to_string(user) {
        let index = Key::People.text();
        pipe.cmd("ZADD").arg(&index).arg("GT").arg(at.0).arg(&user.subject).ignore();
        let old = at.0.saturating_sub(PERSON_LIFE.into());
        pipe.cmd("ZREMRANGEBYSCORE").arg(&index).arg("-inf").arg(old).ignore();
        let key = Key::Person(&user.subject).text();
        pipe.cmd("SET").arg(key).arg(text).arg("EX").arg(PERSON_LIFE).ignore();
    }
    add_subject(pipe, user);
}

fn add_subject(pipe: &mut Pipeline, user: &User) {
    if let Some(login) = login_of(user) {
        let key = Key::Subjects(&login).text();
        pipe.cmd("ZADD").arg(&key).arg(0).arg(&user.subject).ignore();
        expire_later(pipe, &key, SUBJECTS_LIFE.into());
    }
}

trait Zadd {
    fn zadd_one(&mut self, key: &str, score: UnixTime, member: &str);
}

impl Zadd for Pipeline {
    fn zadd_one(&mut self, key: &str, score: UnixTime, member: &str) {
        self.cmd("ZADD").arg(key).arg(score.0).arg(member).ignore();
    }
}

impl Records {
    /// Writes the index entries of a grant whose record follows, and announces the event of it. Returns some
    /// entries of its indexes, to be trimmed.
    pub(in crate::store) async fn index_grant<'a>(
        &self,
        grant: &Grant,
        entry: Option<&'a AuditEntry>,
    ) -> Result<(Vec<Sample>, Posting<'a>), Error> {
        let mut pipe = redis::pipe();
        add_grant(&mut pipe, grant);
        let indexes: Vec<String> = owners(&grant.affiliation(), grant.created_at)
            .into_iter()
            .map(|owner| Key::Grants(owner).text())
            .collect();
        for index in &indexes {
            pipe.cmd("ZRANDMEMBER").arg(index).arg(SAMPLE).arg("WITHSCORES");
        }
        let key = Key::Grant(&grant.id).text();
        add_announcement(&mut pipe, &key, entry);
        let mut answers: Vec<redis::Value> = pipe.query_async(&mut self.pool.get().await?).await?;
        let posting = Posting::answered(&key, entry, &mut answers)?;
        let samples: Result<Vec<Vec<(String, i64)>>, _> =
            answers.into_iter().map(redis::from_redis_value).collect();
        let samples = samples.map_err(redis::RedisError::from)?;
        Ok((indexes.into_iter().zip(samples).collect(), posting))
    }

    /// Writes the index entries of another record, which follows, and announces the event of it.
    pub(in crate::store) async fn index_other<'a, T: Revocable>(
        &self,
        key: &Key<'_>,
        record: &T,
        times: (UnixTime, UnixTime),
        entry: Option<&'a AuditEntry>,
    ) -> Result<Posting<'a>, Error> {
        let (mut pipe, key) = (redis::pipe(), key.text());
        add_other(&mut pipe, &record.affiliation(), &key, times);
        add_announcement(&mut pipe, &key, entry);
        let mut answers: Vec<redis::Value> = pipe.query_async(&mut self.pool.get().await?).await?;
        Posting::answered(&key, entry, &mut answers)
    }

    /// Stores another record until its expiry, with its index entries and its event.
    pub(in crate::store) async fn put_live<T: Revocable + Serialize>(
        &self,
        key: &Key<'_>,
        record: &T,
        (now, end): (UnixTime, UnixTime),
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let posting = self.index_other(key, record, (now, end), entry).await?;
        self.put_posting(key, record, Ttl::until(now, end), &posting).await
    }

    /// Removes the entries of grants that are gone. A failure is harmless: the next one to meet them
    /// tries again.
    ///
    /// Grants expire in silence, and a client that acts for itself gets a new one every hour. With three
    /// entries checked for each new one, at most a third of an index is of grants that are gone.
    pub(in crate::store) async fn trim(&self, samples: Vec<Sample>, now: UnixTime) {
        if let Err(error) = self.try_to_trim(samples, now).await {
            log::debug!("the indexes of grants were not trimmed: {error}");
        }
    }

    /// Removes those entries of `samples` whose grant is gone. Returns their number.
    pub(in crate::store) async fn try_to_trim(
        &self,
        samples: Vec<Sample>,
        now: UnixTime,
    ) -> Result<usize, Error> {
        // The record of a young entry may not have been written yet.
        let old = now.0.saturating_sub(GRACE);
        let entries: Vec<(String, String)> = samples
            .into_iter()
            .flat_map(|(index, entries)| {
                let old = entries.into_iter().filter(move |(_, created)| *created < old);
                old.map(move |(id, _)| (index.clone(), id))
            })
            .collect();
        if entries.is_empty() {
            return Ok(0);
        }
        let mut connection = self.pool.get().await?;
        let mut pipe = redis::pipe();
        for (_, id) in &entries {
            pipe.cmd("EXISTS").arg(Key::Grant(&Identifier::parsed(id)).text());
        }
        let there: Vec<bool> = pipe.query_async(&mut connection).await?;
        let mut pipe = redis::pipe();
        let gone = entries.iter().zip(there).filter(|(_, there)| !there).map(|(entry, _)| entry);
        let gone = gone.map(|(index, id)| {
            pipe.cmd("ZREM").arg(index).arg(id).ignore();
        });
        let count = gone.count();
        if count > 0 {
            pipe.exec_async(&mut connection).await?;
        }
        Ok(count)
    }
}
