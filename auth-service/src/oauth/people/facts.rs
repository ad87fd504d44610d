//! The facts about a person, cached in this process until Redis reports a change.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::{
    admission::{AccessPolicy, Known},
    model::{FactsRecord, Person},
    oauth::{Core, Error},
    store::CachedFacts,
};

/// The maximum number of people whose facts are cached, at about a kilobyte each.
const CAPACITY: usize = 10_000;

/// The cached facts of people, by subject.
pub struct FactsCache(Cache<Box<str>, Arc<CachedFacts>>);

impl Default for FactsCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

/// The policy in force and the record of a person, on which an answer rests.
#[derive(Clone, Debug)]
pub(in crate::oauth) struct Seen {
    pub(in crate::oauth) access: Arc<AccessPolicy>,
    /// The record of the last check, if the policy asks for facts that change.
    pub(in crate::oauth) facts: Option<Arc<CachedFacts>>,
}

impl Seen {
    pub(in crate::oauth) fn record(&self) -> Option<&FactsRecord> {
        self.facts.as_ref().and_then(|facts| facts.record.as_ref())
    }
}

impl Core {
    /// Returns the access policy in force.
    pub(in crate::oauth) fn access(&self) -> Arc<AccessPolicy> {
        Arc::clone(&self.access.borrow())
    }

    /// Returns the policy, and the record of `person` if the policy asks for facts that change.
    pub(in crate::oauth) async fn seen(&self, person: Person<'_>) -> Result<Seen, Error> {
        let access = self.access();
        if access.wanted(person.provider()).is_empty() {
            return Ok(Seen { access, facts: None });
        }
        let cache = &self.facts.0;
        let cached = cache.get(person.subject);
        let people = &self.store.people;
        let read = people.current_facts(person.subject, cached.as_deref(), self.now()).await?;
        let facts = match (read, cached) {
            (None, Some(cached)) => cached,
            (Some(read), _) => {
                let read = Arc::new(read);
                cache.insert(person.subject.into(), Arc::clone(&read));
                read
            }
            (None, None) => return Ok(Seen { access, facts: None }),
        };
        Ok(Seen { access, facts: Some(facts) })
    }

    /// Returns what is known of `person`, with the client in use.
    pub(in crate::oauth) fn known(
        &self,
        seen: &Seen,
        person: Person<'_>,
        client: Option<&str>,
    ) -> Known {
        seen.access.known(person, client, seen.record(), (self.now(), &self.config.facts))
    }
}
