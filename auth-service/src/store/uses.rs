//! The last use of grants and of people: a hash for each person, with a field for each grant and one for the
//! person.

use super::{Error, GrantRecords, Key, Maintenance, Records, index::expire_later};
use crate::model::{Identifier, LastUse};

/// The field of the person.
pub(super) const PERSON: &str = "-";

/// The lifetime of the uses of a person in seconds, from the latest one on.
const LIFE: u64 = 400 * 86_400;

/// The use of one grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantUse {
    /// The subject of the person, or of the client that acts for itself.
    pub subject: Box<str>,
    /// The grant.
    pub grant: Identifier,
    /// When and by whom.
    pub last: LastUse,
}

impl GrantRecords {
    /// Stores the last uses of grants, and of their people.
    pub async fn put_uses(&self, uses: &[GrantUse]) -> Result<(), Error> {
        for uses in uses.chunks(500) {
            let mut pipe = redis::pipe();
            for one in uses {
                let (key, last) = (Key::Uses(&one.subject).text(), one.last.to_string());
                pipe.cmd("HSET").arg(&key).arg(one.grant.as_str()).arg(&last).ignore();
                pipe.cmd("HSET").arg(&key).arg(PERSON).arg(&last).ignore();
                expire_later(&mut pipe, &key, LIFE);
            }
            let () = pipe.exec_async(&mut self.records.pool.get().await?).await?;
        }
        Ok(())
    }
}

impl Maintenance {
    /// Returns the last use of any grant of a person.
    pub async fn last_use_of(&self, subject: &str) -> Result<Option<LastUse>, Error> {
        let mut read = redis::cmd("HGET");
        read.arg(Key::Uses(subject).text()).arg(PERSON);
        let text: Option<String> = read.query_async(&mut self.records.pool.get().await?).await?;
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

impl Records {
    /// Returns the last uses of grants, each with the subject of its person.
    pub(in crate::store) async fn uses<'a>(
        &self,
        grants: impl Iterator<Item = (&'a str, &'a Identifier)>,
    ) -> Result<Vec<Option<LastUse>>, Error> {
        let mut pipe = redis::pipe();
        for (subject, grant) in grants {
            pipe.cmd("HGET").arg(Key::Uses(subject).text()).arg(grant.as_str());
        }
        if pipe.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<Option<String>> = pipe.query_async(&mut self.pool.get().await?).await?;
        Ok(texts.into_iter().map(|text| text?.parse().ok()).collect())
    }

    /// Removes the uses of grants that are gone from the hash `key` of a person.
    pub(in crate::store) async fn trim_uses(&self, key: &str) -> Result<(), Error> {
        let mut connection = self.pool.get().await?;
        let mut fields: Vec<String> =
            redis::cmd("HKEYS").arg(key).query_async(&mut connection).await?;
        fields.retain(|field| field != PERSON);
        let mut pipe = redis::pipe();
        for field in &fields {
            pipe.cmd("EXISTS").arg(Key::Grant(&Identifier::parsed(field)).text());
        }
        if fields.is_empty() {
            return Ok(());
        }
        let there: Vec<bool> = pipe.query_async(&mut connection).await?;
        let gone = fields.iter().zip(there).filter(|(_, there)| !there).map(|(field, _)| field);
        let gone: Vec<&String> = gone.collect();
        if gone.is_empty() {
            return Ok(());
        }
        Ok(redis::cmd("HDEL").arg(key).arg(gone).query_async(&mut connection).await?)
    }
}
