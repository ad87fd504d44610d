//! The schedule of checks: people who are active are checked at every interval, by one instance at a time.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt, stream};
use parking_lot::Mutex;

use super::check::{Checked, Reason};
use crate::{
    model::{Chain, UnixTime, provider_of},
    oauth::{Error, People},
};

/// The longest pause between looks at the schedule.
const TICK: Duration = Duration::from_secs(5);

/// The number of people that one look takes from the schedule.
const BATCH: usize = 256;

/// The number of people who are checked concurrently.
const CONCURRENT: usize = 8;

/// The time after which a person is checked again whose provider gave no answer.
const AGAIN: Duration = Duration::from_mins(1);

/// The delay after which a use is in the store, at most.
const NOTED: Duration = Duration::from_mins(2);

impl People {
    /// Checks people whose facts are due. Never returns.
    pub async fn check_people(&self) {
        let tick = (self.core.config.facts.interval / 20).clamp(Duration::from_millis(50), TICK);
        let mut failing = false;
        loop {
            tokio::time::sleep(tick).await;
            match self.check_due().await {
                Ok(()) => failing = false,
                Err(error) => {
                    if !failing {
                        log::warn!("the facts about people were not checked: {}", Chain(&error));
                    }
                    failing = true;
                }
            }
        }
    }

    /// Checks the people who are due now.
    pub async fn check_due(&self) -> Result<(), Error> {
        let due = self.core.store.people.due(self.core.now(), BATCH).await?;
        // Providers that did not answer are not asked about others in this turn.
        let silent = Mutex::new(HashSet::new());
        let results = stream::iter(due).map(|subject| self.check_scheduled(subject, &silent));
        let results: Vec<_> = results.buffer_unordered(CONCURRENT).collect().await;
        results.into_iter().collect()
    }

    async fn check_scheduled(
        &self,
        subject: String,
        silent: &Mutex<HashSet<String>>,
    ) -> Result<(), Error> {
        let subject = subject.as_str();
        let (people, now) = (&self.core.store.people, self.core.now());
        let provider = provider_of(subject);
        if self.core.access().wanted(provider).is_empty() || !self.is_active(subject, now).await? {
            return Ok(people.unschedule(subject).await?);
        }
        let again = now.plus(AGAIN.min(self.core.config.facts.interval));
        if silent.lock().contains(provider) {
            return Ok(people.reschedule(subject, again).await?);
        }
        match self.check(subject, Reason::Age).await? {
            Checked::NoAnswer => {
                silent.lock().insert(provider.to_owned());
                Ok(people.reschedule(subject, again).await?)
            }
            Checked::Ended => Ok(()),
            Checked::Done => {
                // The facts may have been younger than the schedule.
                let Some(record) = people.facts(subject, now).await? else {
                    return Ok(people.unschedule(subject).await?);
                };
                if record.renewable {
                    Ok(people.reschedule(subject, self.next_check(record.checked_at)).await?)
                } else {
                    Ok(people.unschedule(subject).await?)
                }
            }
        }
    }

    /// Returns `true` if the person has used a grant, or logged in, since the last check was due.
    async fn is_active(&self, subject: &str, now: UnixTime) -> Result<bool, Error> {
        let since = now.minus(self.core.config.facts.interval + NOTED);
        let last = self.core.store.maintenance.last_use_of(subject).await?;
        if last.is_some_and(|last| last.at >= since) {
            return Ok(true);
        }
        let record = self.core.store.people.facts(subject, now).await?;
        Ok(record.is_some_and(|record| record.checked_at >= since))
    }

    /// Schedules people who have used a grant, and whose facts may change.
    pub(in crate::oauth) async fn schedule_active<'a>(
        &self,
        subjects: impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let access = self.core.access();
        let changes = |subject: &&str| !access.wanted(provider_of(subject)).is_empty();
        let subjects: Vec<&str> = subjects.filter(changes).collect();
        Ok(self.core.store.people.schedule(&subjects, self.core.now()).await?)
    }
}
