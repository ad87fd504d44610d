//! The list of people, by their latest login or consent.

use super::{Error, Key, Page, PeopleRecords, cursor::Cursor, key::Owner, listing::Walk};
use crate::model::{LastUse, UnixTime, User};

/// A person in a list.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ListedPerson {
    /// The person, as at the latest login or consent.
    #[serde(flatten)]
    pub user: User,
    /// The time of the latest login or consent.
    pub last_login: UnixTime,
    /// The last use of any grant.
    pub last_use: Option<LastUse>,
    /// The number of grants. Some of them may have ended.
    pub grants: usize,
    /// The time at which an administrator blocked the person.
    pub blocked_since: Option<UnixTime>,
}

impl PeopleRecords {
    /// Lists up to `limit` people after `cursor`, the latest login first.
    pub async fn people(
        &self,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<ListedPerson>, Error> {
        let mut walk = Walk::new(vec![("people".to_owned(), Key::People.text())], cursor);
        let mut found: Vec<(String, f64)> = Vec::new();
        while let Some(entries) = walk.next(&self.records).await? {
            for entry in entries {
                found.push(entry);
                if found.len() >= limit {
                    let next = found.last().map(|last| walk.at(last.clone()));
                    return Ok(Page { entries: self.described(&found).await?, next });
                }
            }
        }
        Ok(Page { entries: self.described(&found).await?, next: None })
    }

    /// Returns the people whom `name` means, by subject or login name.
    pub async fn people_named(&self, name: &str) -> Result<Vec<ListedPerson>, Error> {
        let mut known = Vec::new();
        for subject in self.records.subjects(name).await? {
            known.extend(self.person(&subject).await?);
        }
        Ok(known)
    }

    /// Returns the person with this subject.
    pub async fn person(&self, subject: &str) -> Result<Option<ListedPerson>, Error> {
        let mut score = redis::cmd("ZSCORE");
        score.arg(Key::People.text()).arg(subject);
        let score: Option<f64> = score.query_async(&mut self.records.pool.get().await?).await?;
        let Some(score) = score else { return Ok(None) };
        Ok(self.described(&[(subject.to_owned(), score)]).await?.pop())
    }

    async fn described(&self, people: &[(String, f64)]) -> Result<Vec<ListedPerson>, Error> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for (subject, _) in people {
            pipe.cmd("GET").arg(Key::Person(subject).text());
            pipe.cmd("HGET").arg(Key::Uses(subject).text()).arg(super::uses::PERSON);
            pipe.cmd("ZCARD").arg(Key::Grants(Owner::User(subject)).text());
            pipe.cmd("ZSCORE").arg(Key::BlockedPeople.text()).arg(subject);
        }
        let answers: Vec<redis::Value> =
            pipe.query_async(&mut self.records.pool.get().await?).await?;
        let mut listed = Vec::new();
        for ((subject, score), answers) in people.iter().zip(answers.chunks(4)) {
            let of: (Option<String>, Option<String>, usize, Option<i64>) =
                redis::from_redis_value(redis::Value::Array(answers.to_vec()))
                    .map_err(redis::RedisError::from)?;
            let (record, last_use, grants, blocked) = of;
            let known = record.and_then(|text| serde_json::from_str(&text).ok());
            let unknown = || User { subject: subject.clone(), name: subject.clone(), email: None };
            #[expect(clippy::cast_possible_truncation, reason = "scores of people are seconds")]
            listed.push(ListedPerson {
                user: known.unwrap_or_else(unknown),
                last_login: UnixTime(*score as i64),
                last_use: last_use.and_then(|text| text.parse().ok()),
                grants,
                blocked_since: blocked.map(UnixTime),
            });
        }
        Ok(listed)
    }
}
