//! The check of a person: the question to the provider whether what it stated is still true.

use std::time::Duration;

use crate::{
    admission::AccessPolicy,
    model::{Chain, FactsRecord, ProviderToken, UnixTime, provider_of},
    oauth::{Error, People},
    store::CheckLock,
    upstream::{LoginProvider, RefreshError},
};

/// The time to wait for the check of another caller, and the interval between looks at it.
const WAIT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(100));

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oauth) enum Checked {
    /// The facts are as the provider states them now, or there is nothing to ask.
    Done,
    /// The provider no longer vouches for the person, whose access has ended.
    Ended,
    /// The provider gave no answer. The facts stay as they are.
    NoAnswer,
}

/// The reason for a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oauth) enum Reason {
    /// The facts may be too old.
    Age,
    /// The provider has announced a change.
    Announced,
}

impl People {
    /// Checks a person whose facts are due, as a step of a request.
    pub(in crate::oauth) async fn check_if_due(&self, subject: &str) -> Result<Checked, Error> {
        if self.core.access().wanted(provider_of(subject)).is_empty() {
            return Ok(Checked::Done);
        }
        match self.core.store.people.facts(subject, self.core.now()).await? {
            Some(record) if self.is_due(&record) => self.check(subject, Reason::Age).await,
            _ => Ok(Checked::Done),
        }
    }

    /// Checks a person. One caller at a time asks the provider; the others wait for its result.
    ///
    /// The check completes even if the caller is cancelled, because the next token of the provider must not be
    /// lost. Must be called on a thread of the server, each of which runs local tasks.
    pub(in crate::oauth) async fn check(
        &self,
        subject: &str,
        reason: Reason,
    ) -> Result<Checked, Error> {
        let (people, subject) = (self.clone(), subject.to_owned());
        let checking = async move { people.check_alone(&subject, reason).await };
        let checking = tokio::task::spawn_local(checking);
        checking.await.map_err(|error| Error::Internal(error.into()))?
    }

    async fn check_alone(&self, subject: &str, reason: Reason) -> Result<Checked, Error> {
        let people = &self.core.store.people;
        let begun = tokio::time::Instant::now();
        let holder = loop {
            match people.lock(subject).await? {
                CheckLock::Taken(holder) => break holder,
                CheckLock::Failed if reason == Reason::Age => return Ok(Checked::NoAnswer),
                _ if begun.elapsed() > WAIT.0 => return Ok(Checked::NoAnswer),
                CheckLock::Failed | CheckLock::Busy => tokio::time::sleep(WAIT.1).await,
            }
        };
        let checked = self.check_locked(subject, reason).await;
        let answered = matches!(checked, Ok(Checked::Done | Checked::Ended));
        people.unlock(subject, &holder, answered).await?;
        checked
    }

    async fn check_locked(&self, subject: &str, reason: Reason) -> Result<Checked, Error> {
        let people = &self.core.store.people;
        let Some(record) = people.facts(subject, self.core.now()).await? else {
            people.unschedule(subject).await?;
            return Ok(Checked::Done);
        };
        // Another caller may have checked meanwhile.
        if !record.renewable || (reason == Reason::Age && !self.is_due(&record)) {
            return Ok(Checked::Done);
        }
        let (name, id) = subject.split_once(':').unwrap_or_default();
        let Some(provider) = self.core.providers.get(name) else {
            people.unschedule(subject).await?;
            return Ok(Checked::NoAnswer);
        };
        let sealed = people.provider_token(subject).await?;
        let token: Option<ProviderToken> =
            sealed.and_then(|sealed| self.core.provider_seal.open(&sealed));
        let Some(token) = token else {
            // Sealed with a key that is gone. The facts now last as long as those of a login.
            people.put_facts(&FactsRecord { renewable: false, ..record }, self.core.now()).await?;
            return Ok(Checked::Done);
        };
        let asked = self.ask(provider, (subject, id), token).await?;
        self.core.metrics.fact_check(name, outcome(&asked));
        match asked {
            Ok(record) => {
                people.put_facts(&record, self.core.now()).await?;
                self.end_what_is_not_allowed(subject).await?;
                Ok(Checked::Done)
            }
            Err(RefreshError::Denied(why)) => {
                self.end_access(subject, &why).await?;
                Ok(Checked::Ended)
            }
            Err(error) => {
                match &error {
                    RefreshError::Misconfigured(_) => {
                        log::error!(provider = name; "facts cannot be checked: {}", Chain(&error));
                    }
                    _ => log::warn!(provider = name; "facts were not checked: {}", Chain(&error)),
                }
                Ok(Checked::NoAnswer)
            }
        }
    }

    /// Asks the provider. Stores its next token before anything else.
    async fn ask(
        &self,
        provider: &LoginProvider,
        (subject, id): (&str, &str),
        token: ProviderToken,
    ) -> Result<Result<FactsRecord, RefreshError>, Error> {
        let renewed = match provider.renew(token).await {
            Ok(renewed) => renewed,
            Err(error) => return Ok(Err(error)),
        };
        let end = self.core.now().plus(self.core.config.lifetimes.refresh_token);
        if let Some(next) = renewed.next() {
            let sealed = self.core.provider_seal.close(&next)?;
            self.core
                .store
                .people
                .put_provider_token(subject, &sealed, (self.core.now(), end))
                .await?;
        } else {
            self.core.store.people.keep_provider_token(subject, (self.core.now(), end)).await?;
        }
        let access = self.core.access();
        let facts = provider.facts(renewed, id, access.wanted(provider.name().as_str())).await;
        Ok(facts.map(|sighting| FactsRecord::of(&sighting, true, (self.core.now(), end))))
    }

    /// Returns `true` if the facts of `record` are too old, or lack what the policy has come to ask.
    pub(super) fn is_due(&self, record: &FactsRecord) -> bool {
        record.renewable
            && (self.core.config.facts.is_due(record, self.core.now())
                || lacks(&self.core.access(), record))
    }

    /// Returns the time of the next check. It varies, so that people are not all checked at once.
    pub(super) fn next_check(&self, now: UnixTime) -> UnixTime {
        let interval = self.core.config.facts.interval;
        let spread = interval / 10;
        let part = u32::from(rand_byte()) + 1;
        now.plus(interval.saturating_sub(spread * part / 256))
    }
}

/// Returns `true` if the policy asks for organizations or teams that were not asked for.
fn lacks(access: &AccessPolicy, record: &FactsRecord) -> bool {
    let (wanted, memberships) = (access.wanted(provider_of(&record.subject)), &record.memberships);
    wanted.orgs.iter().any(|org| !memberships.orgs.contains_key(org))
        || wanted.teams.iter().any(|team| !memberships.teams.contains_key(team))
}

fn outcome(asked: &Result<FactsRecord, RefreshError>) -> &'static str {
    match asked {
        Ok(_) => "confirmed",
        Err(RefreshError::Denied(_)) => "denied",
        Err(RefreshError::Misconfigured(_)) => "misconfigured",
        Err(RefreshError::NoAnswer(_)) => "no_answer",
    }
}

/// Returns a random byte, or 0 if there are none.
fn rand_byte() -> u8 {
    let mut byte = [0; 1];
    let _filled = aws_lc_rs::rand::fill(&mut byte);
    byte[0]
}
