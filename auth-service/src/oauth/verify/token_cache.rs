//! Second-level cache of verified access tokens, keyed by hash.
//!
//! The signature of each token is verified once, because its claims never change. Liveness and
//! permissions are checked on every request.

use std::sync::Arc;

use aws_lc_rs::digest;
use quick_cache::sync::Cache;

use super::{
    cached_token::{CachedClaims, CachedToken},
    first_level::FirstLevel,
};
use crate::{
    metrics::Decision,
    model::UnixTime,
    oauth::{Verifier, token::access_token::signed_claims},
};

/// The maximum number of cached tokens, at about 500 bytes each.
const CAPACITY: usize = 100_000;

/// The two-level cache of verified tokens.
pub(in crate::oauth) struct TokenCache {
    /// The second level, keyed by the SHA-256 hash of the token.
    all: Cache<[u8; 32], Arc<CachedToken>>,
    recent: FirstLevel,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self { all: Cache::new(CAPACITY), recent: FirstLevel::default() }
    }
}

impl TokenCache {
    /// Returns the number of tokens in the second level.
    pub(in crate::oauth) fn len(&self) -> usize {
        self.all.len()
    }
}

impl Verifier {
    /// Verifies `token` or finds it in the cache.
    ///
    /// Returns the reason if the token is expired or not from this issuer.
    pub(in crate::oauth) fn cached(
        &self,
        token: &[u8],
        now: UnixTime,
    ) -> Result<Arc<CachedToken>, Decision> {
        let known = match self.cache.recent.get(token) {
            Some(known) => known,
            None => self.second_level(token, now)?,
        };
        if now < known.expires_at { Ok(known) } else { Err(Decision::Expired) }
    }

    /// Looks up `token` in the second level, or verifies it.
    ///
    /// Promotes a token to the first level when it is used a second time.
    fn second_level(&self, token: &[u8], now: UnixTime) -> Result<Arc<CachedToken>, Decision> {
        let hash = digest::digest(&digest::SHA256, token);
        let key: [u8; 32] = hash.as_ref().try_into().map_err(|_| Decision::Invalid)?;
        let Some(known) = self.cache.all.get(&key) else {
            let new = Arc::new(self.read(token)?);
            if now < new.expires_at {
                self.cache.all.insert(key, Arc::clone(&new));
            }
            return Ok(new);
        };
        if now < known.expires_at {
            self.cache.recent.put(token, &known);
        } else {
            self.cache.all.remove(&key);
        }
        Ok(known)
    }

    /// Verifies the signature and the issuer of `token` and reads its claims.
    fn read(&self, token: &[u8]) -> Result<CachedToken, Decision> {
        let token = std::str::from_utf8(token).map_err(|_| Decision::Invalid)?;
        let json = signed_claims(&self.core.keys, token).ok_or(Decision::Invalid)?;
        let claims: CachedClaims<'_> =
            serde_json::from_slice(&json).map_err(|_| Decision::Invalid)?;
        if claims.iss != self.core.config.issuer.as_str() {
            return Err(Decision::Invalid);
        }
        let liveness = self.core.store.grants.liveness(&claims.grant_id, &claims.jti);
        CachedToken::new(&claims, liveness).ok_or(Decision::Invalid)
    }
}
