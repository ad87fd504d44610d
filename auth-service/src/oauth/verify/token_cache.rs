//! Second-level cache of verified access tokens, keyed by hash.
//!
//! The signature of each token is verified once, because its claims never change. Liveness and
//! permissions are checked on every request.

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

/// The maximum number of cached tokens, at about 500 bytes each.
const CAPACITY: usize = 100_000;

/// The two-level cache of verified tokens.
pub(in crate::oauth) struct SeenTokens {
    /// The second level, keyed by the SHA-256 hash of the token.
    all: Cache<[u8; 32], Arc<SeenToken>>,
    recent: RecentTokens,
}

impl Default for SeenTokens {
    fn default() -> Self {
        Self { all: Cache::new(CAPACITY), recent: RecentTokens::default() }
    }
}

impl SeenTokens {
    /// Returns the number of tokens in the second level.
    pub(in crate::oauth) fn len(&self) -> usize {
        self.all.len()
    }
}

impl Verifier {
    /// Verifies `token` or finds it in the cache.
    ///
    /// Returns the reason if the token is expired or not from this issuer.
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

    /// Looks up `token` in the second level, or verifies it.
    ///
    /// Promotes a token to the first level when it is used a second time.
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

    /// Verifies the signature and the issuer of `token` and reads its claims.
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
