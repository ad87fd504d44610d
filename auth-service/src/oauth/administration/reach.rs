//! What a revocation would hit, counted before it is confirmed.

use std::collections::HashSet;

use crate::{
    oauth::{Administration, Error},
    store::{Filter, Page},
};

/// The number of grants that are counted at most.
const MOST: usize = 1_000;

/// The grants that a revocation would end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The number of grants.
    pub grants: usize,
    /// The number of their people.
    pub people: usize,
    /// The number of their clients.
    pub clients: usize,
    /// `true` if there are more than were counted.
    pub is_more: bool,
}

impl Administration {
    /// Counts the grants of `filter`, up to 1,000.
    pub async fn reach(&self, filter: &Filter) -> Result<Reach, Error> {
        let terms = (MOST, self.core.now());
        let Page { entries, next } =
            self.core.store.maintenance.grants(filter, None, terms).await?;
        let people: HashSet<&str> =
            entries.iter().map(|listed| listed.grant.user.subject.as_str()).collect();
        let clients: HashSet<&str> =
            entries.iter().map(|listed| listed.grant.client_id.as_str()).collect();
        Ok(Reach {
            grants: entries.len(),
            people: people.len(),
            clients: clients.len(),
            is_more: next.is_some(),
        })
    }
}
