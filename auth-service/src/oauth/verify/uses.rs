//! The last use of each grant, collected in memory and written every minute.
//!
//! A request with a token that was used in the same minute already costs one comparison.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    mem,
    net::IpAddr,
};

use parking_lot::Mutex;

use super::cached_token::{CachedToken, Part};
use crate::{
    model::{Identifier, LastUse, UnixTime, minute},
    oauth::{Error, People, Verifier},
    store::GrantUse,
};

/// The number of parts of the collection, so that workers rarely wait for each other.
const PARTS: usize = 16;

/// The maximum number of grants in one part. More grants in a minute are not noted.
const CAPACITY: usize = 8_192;

/// The origin of a request.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The address of the client.
    pub address: IpAddr,
    /// The `User-Agent`, if there is one.
    pub user_agent: Option<&'a str>,
}

/// The uses since they were last written.
pub(in crate::oauth) struct Uses {
    hasher: RandomState,
    parts: [Mutex<HashMap<Box<str>, GrantUse>>; PARTS],
}

impl Default for Uses {
    fn default() -> Self {
        Self { hasher: RandomState::new(), parts: Default::default() }
    }
}

impl Uses {
    /// Notes the use of a token, unless it was used in this minute already.
    pub(super) fn note<'a>(
        &self,
        token: &CachedToken,
        now: UnixTime,
        origin: impl FnOnce() -> Origin<'a>,
    ) {
        if !token.is_first_use_of(minute(now)) {
            return;
        }
        let grant = token.text(Part::Grant);
        let Origin { address, user_agent } = origin();
        let one = GrantUse {
            subject: token.text(Part::Subject).into(),
            grant: Identifier::parsed(grant),
            last: LastUse::new(now, address, user_agent),
        };
        let hash = usize::try_from(self.hasher.hash_one(grant) % PARTS as u64).unwrap_or(0);
        if let Some(part) = self.parts.get(hash) {
            let mut part = part.lock();
            if part.len() < CAPACITY || part.contains_key(grant) {
                part.insert(grant.into(), one);
            }
        }
    }
}

impl Verifier {
    /// Writes the uses since the last call, and schedules the checks of these people. A failure loses them: they are not worth a second try.
    pub async fn write_uses(&self) -> Result<(), Error> {
        let mut uses = Vec::new();
        for part in &self.uses.parts {
            uses.extend(mem::take(&mut *part.lock()).into_values());
        }
        self.core.store.grants.put_uses(&uses).await?;
        People::of(&self.core).schedule_active(uses.iter().map(|one| &*one.subject)).await
    }
}
