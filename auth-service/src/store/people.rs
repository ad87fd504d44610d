//! Facts about people, the tokens with which their providers are asked again, and the schedule of these
//! checks.

use std::time::Duration;

use redis::Script;

use super::{
    Error, Key, PeopleRecords, Ttl,
    revocation_tracker::{RevocationTracker, TrackedKey},
};
use crate::model::{FactsRecord, Fingerprint, Identifier, UnixTime};

/// The lifetime of the lock on the check of one person. A check takes less.
const LOCK: Duration = Duration::from_secs(45);

/// The time for which a person is not checked again after the provider gave no answer.
const PAUSE: Duration = Duration::from_secs(30);

/// The value of a lock after a check without an answer.
const FAILED: &str = "failed";

/// Ends the lock of a holder: removes it, or leaves the mark that there was no answer.
const UNLOCK: &str = r"#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2])
return 1
";

/// The facts of a person in this process, with the state of their invalidation.
#[derive(Debug)]
pub struct CachedFacts {
    /// The record, or `None` if there is none.
    pub record: Option<FactsRecord>,
    key: TrackedKey,
}

impl CachedFacts {
    fn is_current(&self, tracker: &RevocationTracker, now: UnixTime) -> bool {
        tracker.is_unchanged(&self.key)
            && self.record.as_ref().is_none_or(|record| now < record.expires_at)
    }
}

/// The result of an attempt to lock the check of a person.
#[derive(Debug)]
pub enum CheckLock {
    /// This caller checks, and must call [`PeopleRecords::unlock`].
    Taken(Identifier),
    /// Another caller checks at the moment.
    Busy,
    /// The provider gave no answer a moment ago.
    Failed,
}

impl PeopleRecords {
    /// Reads a text without an expiry of its own.
    async fn text(&self, key: &Key<'_>) -> Result<Option<String>, Error> {
        let mut read = redis::cmd("GET");
        read.arg(key.text());
        let text: Option<String> = read.query_async(&mut self.records.pool.get().await?).await?;
        Ok(text.as_deref().map(serde_json::from_str).transpose()?)
    }

    /// Reads the facts of a person. Always queries Redis.
    pub async fn facts(&self, subject: &str, now: UnixTime) -> Result<Option<FactsRecord>, Error> {
        self.records.read(&Key::Facts(subject), now).await
    }

    /// Returns `true` if `cached` is what Redis has now.
    #[must_use]
    pub fn is_current(&self, cached: &CachedFacts, now: UnixTime) -> bool {
        cached.is_current(&self.records.tracker, now)
    }

    /// Returns the facts of a person as of now, from `cached` if they have not changed since.
    pub async fn current_facts(
        &self,
        subject: &str,
        cached: Option<&CachedFacts>,
        now: UnixTime,
    ) -> Result<Option<CachedFacts>, Error> {
        if cached.is_some_and(|cached| self.is_current(cached, now)) {
            return Ok(None);
        }
        let tracker = &self.records.tracker;
        let (name, moment) = (Key::Facts(subject).text(), tracker.lookup_time());
        let text: Option<String> = self.records.ask(redis::cmd("GET").arg(&name)).await?;
        let key = tracker.tracked(name.as_bytes(), moment);
        let record: Option<FactsRecord> = text.as_deref().map(serde_json::from_str).transpose()?;
        Ok(Some(CachedFacts { record: record.filter(|record| now < record.expires_at), key }))
    }

    /// Stores the facts of a person. When this returns, no cache of this process has earlier ones; those of
    /// other instances are invalidated by Redis.
    pub async fn put_facts(&self, record: &FactsRecord, now: UnixTime) -> Result<(), Error> {
        let key = Key::Facts(&record.subject);
        self.records.put(&key, record, Ttl::until(now, record.expires_at)).await?;
        self.records.tracker.changed(key.text().as_bytes());
        Ok(())
    }

    /// Stores the sealed token of a person's provider, with the lifetime of the facts.
    pub async fn put_provider_token(
        &self,
        subject: &str,
        sealed: &str,
        (now, end): (UnixTime, UnixTime),
    ) -> Result<(), Error> {
        self.records.put(&Key::ProviderToken(subject), &sealed, Ttl::until(now, end)).await
    }

    /// Postpones the expiry of a person's token, which remains the same.
    pub async fn keep_provider_token(
        &self,
        subject: &str,
        (now, end): (UnixTime, UnixTime),
    ) -> Result<(), Error> {
        let mut expire = redis::cmd("EXPIRE");
        expire.arg(Key::ProviderToken(subject).text()).arg(Ttl::until(now, end).seconds());
        Ok(expire.query_async(&mut self.records.pool.get().await?).await?)
    }

    /// Reads the sealed token of a person's provider.
    pub async fn provider_token(&self, subject: &str) -> Result<Option<String>, Error> {
        self.text(&Key::ProviderToken(subject)).await
    }

    /// Deletes the facts and the token of a person.
    pub async fn forget(&self, subject: &str) -> Result<(), Error> {
        self.unschedule(subject).await?;
        self.records.delete(&Key::ProviderToken(subject)).await?;
        self.records.delete(&Key::Facts(subject)).await?;
        Ok(())
    }

    /// Locks the check of a person. Providers take two uses of one refresh token for theft, so that only one
    /// instance may check a person at a time.
    pub async fn lock(&self, subject: &str) -> Result<CheckLock, Error> {
        let holder = Identifier::generate().map_err(|_| Error::Random)?;
        let mut set = redis::cmd("SET");
        set.arg(Key::FactsLock(subject).text()).arg(holder.as_str());
        set.arg("NX").arg("GET").arg("EX").arg(LOCK.as_secs());
        let before: Option<String> = set.query_async(&mut self.records.pool.get().await?).await?;
        Ok(match before.as_deref() {
            None => CheckLock::Taken(holder),
            Some(FAILED) => CheckLock::Failed,
            Some(_) => CheckLock::Busy,
        })
    }

    /// Ends the lock of `holder`. Without an answer of the provider, others do not try for a while.
    pub async fn unlock(
        &self,
        subject: &str,
        holder: &Identifier,
        answered: bool,
    ) -> Result<(), Error> {
        let script = Script::new(UNLOCK);
        let mut call = script.prepare_invoke();
        let pause = if answered { 0 } else { PAUSE.as_secs() };
        call.key(Key::FactsLock(subject).text()).arg(holder.as_str()).arg(pause).arg(FAILED);
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }

    /// Schedules the check of people at `due`, unless they are scheduled already.
    pub async fn schedule(&self, subjects: &[&str], due: UnixTime) -> Result<(), Error> {
        for subjects in subjects.chunks(500) {
            let mut add = redis::cmd("ZADD");
            add.arg(Key::Checks.text()).arg("NX");
            for subject in subjects {
                add.arg(due.0).arg(subject);
            }
            let () = add.query_async(&mut self.records.pool.get().await?).await?;
        }
        Ok(())
    }

    /// Moves the check of a person to `due`.
    pub async fn reschedule(&self, subject: &str, due: UnixTime) -> Result<(), Error> {
        let mut add = redis::cmd("ZADD");
        add.arg(Key::Checks.text()).arg(due.0).arg(subject);
        Ok(add.query_async(&mut self.records.pool.get().await?).await?)
    }

    /// Removes a person from the schedule.
    pub async fn unschedule(&self, subject: &str) -> Result<(), Error> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(Key::Checks.text()).arg(subject);
        Ok(remove.query_async(&mut self.records.pool.get().await?).await?)
    }

    /// Returns people whose check is due, longest first, at most `most`.
    pub async fn due(&self, now: UnixTime, most: usize) -> Result<Vec<String>, Error> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(Key::Checks.text()).arg("-inf").arg(now.0).arg("BYSCORE");
        range.arg("LIMIT").arg(0).arg(most);
        Ok(range.query_async(&mut self.records.pool.get().await?).await?)
    }

    /// Returns the time at which the longest overdue check was due.
    pub async fn oldest_due(&self) -> Result<Option<UnixTime>, Error> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(Key::Checks.text()).arg(0).arg(0).arg("WITHSCORES");
        let first: Vec<(String, i64)> =
            range.query_async(&mut self.records.pool.get().await?).await?;
        Ok(first.first().map(|(_, due)| UnixTime(*due)))
    }

    /// Notes a logout token until `end`. Returns `true` for the first use only.
    pub async fn spend_logout_token(
        &self,
        token: &Fingerprint,
        (now, end): (UnixTime, UnixTime),
    ) -> Result<bool, Error> {
        self.records.put_new(&Key::LogoutToken(token), &1, Ttl::until(now, end)).await
    }

    /// Takes back [`Self::spend_logout_token`].
    pub async fn unspend_logout_token(&self, token: &Fingerprint) -> Result<(), Error> {
        self.records.delete(&Key::LogoutToken(token)).await.map(drop)
    }

    /// Notes the person of a login session at a provider, which a logout token may name.
    pub async fn put_provider_session(
        &self,
        session: &Fingerprint,
        subject: &str,
        (now, end): (UnixTime, UnixTime),
    ) -> Result<(), Error> {
        self.records.put(&Key::ProviderSession(session), &subject, Ttl::until(now, end)).await
    }

    /// Returns the person of a login session at a provider.
    pub async fn person_of_session(&self, session: &Fingerprint) -> Result<Option<String>, Error> {
        self.text(&Key::ProviderSession(session)).await
    }

    /// Forgets the issuer of a provider.
    pub async fn forget_issuer(&self, provider: &str) -> Result<(), Error> {
        self.records.delete(&Key::ProviderIssuer(provider)).await.map(drop)
    }

    /// Notes the issuer of a provider at its first login.
    pub async fn note_issuer(&self, provider: &str, issuer: &str) -> Result<(), Error> {
        let key = Key::ProviderIssuer(provider);
        self.records.put_new(&key, &issuer, Ttl::Never).await.map(drop)
    }

    /// Returns the issuer of a provider at its first login.
    pub async fn issuer(&self, provider: &str) -> Result<Option<String>, Error> {
        self.text(&Key::ProviderIssuer(provider)).await
    }
}
