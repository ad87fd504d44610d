//! Access tokens whose signature was checked, so that it is checked once: what a token says does not
//! change. Whether it still counts, and for what, is decided on every request.

use std::sync::Arc;

use aws_lc_rs::digest;
use quick_cache::sync::Cache;

use super::{
    recent_tokens::RecentTokens,
    seen_token::{Said, SeenToken},
};
use crate::{
    metrics::Decision,
    model::UnixTime,
    oauth::{Verifier, token::access_token::signed_claims},
};

/// The most tokens that are remembered; some 500 bytes each.
const CAPACITY: usize = 100_000;

/// All that are remembered.
pub(in crate::oauth) struct SeenTokens {
    /// By the SHA-256 of the token.
    all: Cache<[u8; 32], Arc<SeenToken>>,
    recent: RecentTokens,
}

impl Default for SeenTokens {
    fn default() -> Self {
        Self { all: Cache::new(CAPACITY), recent: RecentTokens::default() }
    }
}

impl SeenTokens {
    /// How many are remembered.
    pub(in crate::oauth) fn len(&self) -> usize {
        self.all.len()
    }
}

impl Verifier {
    /// What is known of `token`, if we signed it and it has not ended; else why not.
    pub(in crate::oauth) fn seen(
        &self,
        token: &[u8],
        now: UnixTime,
    ) -> Result<Arc<SeenToken>, Decision> {
        let known = match self.seen.recent.get(token) {
            Some(known) => known,
            None => self.seen_before(token, now)?,
        };
        if now < known.expires_at { Ok(known) } else { Err(Decision::Expired) }
    }

    /// The same for one that is not among the latest.
    fn seen_before(&self, token: &[u8], now: UnixTime) -> Result<Arc<SeenToken>, Decision> {
        let hash = digest::digest(&digest::SHA256, token);
        let key: [u8; 32] = hash.as_ref().try_into().map_err(|_| Decision::Invalid)?;
        let Some(known) = self.seen.all.get(&key) else {
            let new = Arc::new(self.read(token)?);
            if now < new.expires_at {
                self.seen.all.insert(key, Arc::clone(&new));
            }
            return Ok(new);
        };
        if now < known.expires_at {
            self.seen.recent.put(token, &known);
        } else {
            self.seen.all.remove(&key);
        }
        Ok(known)
    }

    /// What `token` says, if we signed it.
    fn read(&self, token: &[u8]) -> Result<SeenToken, Decision> {
        let token = std::str::from_utf8(token).map_err(|_| Decision::Invalid)?;
        let json = signed_claims(&self.core.keys, token).ok_or(Decision::Invalid)?;
        let claims: Said<'_> = serde_json::from_slice(&json).map_err(|_| Decision::Invalid)?;
        if claims.iss != self.core.config.issuer.as_str() {
            return Err(Decision::Invalid);
        }
        let sighting = self.core.store.sighting(&claims.grant_id, &claims.jti);
        SeenToken::new(&claims, sighting).ok_or(Decision::Invalid)
    }
}
