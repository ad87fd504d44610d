//! Grants and access tokens that authorize requests, with their revocation status. The gateway's feed reports
//! ended grants; its silence is trusted for the length of a lease.

mod admission;
mod ended;
mod lease;
mod until;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use jsonwebtoken::get_current_timestamp;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

pub use admission::{Admission, Over};
use ended::Ended;
pub use lease::Lease;
pub use until::Until;

/// The identifiers of the grant behind a request, from its signed identity.
pub struct Rests<'a> {
    /// The hash of the grant.
    pub grant: &'a str,
    /// The hash of the access token.
    pub token: Option<&'a str>,
    /// The expiry of the access token, in seconds since 1970.
    pub ends: Option<u64>,
}

/// The permission that a person has granted to a client.
#[derive(Debug)]
pub struct Grant {
    ended: CancellationToken,
    /// The latest expiry of its access tokens, in seconds since 1970.
    until: AtomicU64,
}

impl Grant {
    /// Returns `true` if the feed has reported the end of the grant.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Returns `true` if the grant has not ended and has an unexpired access token.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.has_ended() && get_current_timestamp() < self.until.load(Ordering::Relaxed)
    }
}

/// An access token of a grant.
#[derive(Debug)]
pub struct Access {
    /// The grant that the token belongs to.
    pub grant: Arc<Grant>,
    lease: Arc<Lease>,
    ends: Option<u64>,
    /// Cancelled with the token or its grant.
    ended: CancellationToken,
}

impl Access {
    /// Returns `true` if the feed has reported the end of the token or its grant.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }
}

/// The grants and access tokens in use.
pub struct Grants {
    lease: Arc<Lease>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    grants: InUse<Grant>,
    tokens: InUse<Access>,
    ended: Ended,
}

impl Grants {
    /// Creates an empty registry; the feed may be silent for `lease`.
    #[must_use]
    pub fn new(lease: Duration) -> Self {
        Self { lease: Arc::new(Lease::new(lease)), state: Mutex::default() }
    }

    /// Returns the lease on the feed.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Returns the access token of a request. Returns `None` if it or its grant has ended.
    pub fn access(&self, rests: &Rests<'_>) -> Option<Arc<Access>> {
        let mut state = self.state.lock();
        let names = [Some(rests.grant), rests.token];
        if names.into_iter().flatten().any(|name| state.ended.has(name)) {
            return None;
        }
        let known = rests.token.and_then(|token| state.tokens.get(token));
        if let Some(known) = known {
            return Some(known);
        }
        let grant = state.grants.get(rests.grant).unwrap_or_else(|| {
            let grant = Arc::new(Grant { ended: CancellationToken::new(), until: 0.into() });
            state.grants.put(rests.grant, &grant);
            grant
        });
        grant.until.fetch_max(rests.ends.unwrap_or(u64::MAX), Ordering::Relaxed);
        let ended = grant.ended.child_token();
        let access =
            Arc::new(Access { grant, lease: Arc::clone(&self.lease), ends: rests.ends, ended });
        if let Some(token) = rests.token {
            state.tokens.put(token, &access);
        }
        Some(access)
    }

    /// Ends the grants and access tokens with these hashes. Returns `true` if any was in use.
    pub fn end(&self, hashes: &[Box<str>]) -> bool {
        let mut in_use = false;
        let mut state = self.state.lock();
        for hash in hashes {
            state.ended.add(hash);
            if let Some(grant) = state.grants.take(hash) {
                grant.ended.cancel();
                in_use = true;
            }
            if let Some(access) = state.tokens.take(hash) {
                access.ended.cancel();
                in_use = true;
            }
        }
        in_use
    }
}

/// Weak references by hash; unused entries are evicted.
struct InUse<T> {
    all: HashMap<Box<str>, Weak<T>>,
    /// The size at which unused entries are evicted.
    tidy_at: usize,
}

impl<T> Default for InUse<T> {
    fn default() -> Self {
        Self { all: HashMap::new(), tidy_at: 1024 }
    }
}

impl<T> InUse<T> {
    fn get(&self, name: &str) -> Option<Arc<T>> {
        self.all.get(name)?.upgrade()
    }

    fn take(&mut self, name: &str) -> Option<Arc<T>> {
        self.all.remove(name)?.upgrade()
    }

    fn put(&mut self, name: &str, one: &Arc<T>) {
        if self.all.len() >= self.tidy_at {
            self.all.retain(|_, one| one.strong_count() > 0);
            self.tidy_at = (2 * self.all.len()).max(1024);
        }
        self.all.insert(name.into(), Arc::downgrade(one));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn rests<'a>(grant: &'a str, token: &'a str) -> Rests<'a> {
        Rests { grant, token: Some(token), ends: Some(get_current_timestamp() + 60) }
    }

    fn end(grants: &Grants, hash: &str) -> bool {
        grants.end(&[hash.into()])
    }

    #[test]
    fn a_grant_ends_with_all_its_tokens_and_a_token_alone() {
        let grants = Grants::new(HOUR);
        let access = |grant, token| grants.access(&rests(grant, token));
        let (one, two) = (access("g", "1").unwrap(), access("g", "2").unwrap());
        let other = access("h", "3").unwrap();
        assert!(Arc::ptr_eq(&one.grant, &two.grant) && one.grant.is_live());
        assert!(Arc::ptr_eq(&one, &access("g", "1").unwrap()));
        assert!(end(&grants, "1"));
        assert!(one.has_ended() && !two.has_ended() && one.grant.is_live());
        assert!(access("g", "1").is_none() && access("g", "2").is_some());
        assert!(end(&grants, "g"));
        assert!(two.has_ended() && two.grant.has_ended() && !other.has_ended());
        assert!(access("g", "4").is_none() && access("h", "3").is_some());
        assert!(!end(&grants, "unknown"));
        assert!(access("unknown", "5").is_none(), "told before it came");
    }

    #[test]
    fn what_is_not_in_use_is_forgotten() {
        let grants = Grants::new(HOUR);
        let kept = grants.access(&rests("kept", "kept")).unwrap();
        for number in 0..5_000 {
            let name = number.to_string();
            grants.access(&rests(&name, &name)).unwrap();
        }
        let state = grants.state.lock();
        assert!(state.grants.all.len() <= 1024 && state.tokens.all.len() <= 1024);
        drop(state);
        assert!(end(&grants, "kept") && kept.has_ended());
    }

    #[test]
    fn a_grant_whose_tokens_are_over_keeps_nothing() {
        let grants = Grants::new(HOUR);
        let over = Rests { grant: "g", token: Some("1"), ends: Some(1) };
        let access = grants.access(&over).unwrap();
        assert!(!access.grant.is_live() && !access.grant.has_ended());
        let next = grants.access(&rests("g", "2")).unwrap();
        assert!(next.grant.is_live() && access.grant.is_live());
    }
}
