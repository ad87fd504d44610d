//! The keys that the gateway publishes (JWK Set, RFC 7517 §5). They are fetched at startup with retries, then
//! periodically, and when a token names an unknown key.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_contract::backoff::Backoff;
use gateway_contract::chain::Chain;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::RwLock;
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::fetch::{self, Fetcher};

/// The interval of periodic fetches.
const EVERY: Duration = Duration::from_mins(10);
/// The minimum interval between fetches for unknown keys, since any caller can name one.
const AT_MOST: Duration = Duration::from_secs(10);
/// The delays between failed attempts.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
/// The maximum number of keys in a set.
const MOST: usize = 16;

/// The reason why keys are not available.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error("the answer is no JWK Set")]
    Json(#[from] serde_json::Error),
    #[error("no key of the answer is for ES256 or RS256 and has a kid")]
    Empty,
}

/// A key that verifies signatures.
pub(super) struct Key {
    kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// A snapshot of the keys.
pub(super) struct KeySet {
    /// A number that changes with the keys.
    pub(super) generation: u64,
    jwks: Vec<Jwk>,
    keys: Vec<Key>,
}

impl KeySet {
    pub(super) fn by_id(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

/// The cached keys of the gateway.
pub(super) struct Keys {
    url: Url,
    fetcher: Fetcher,
    known: RwLock<Option<Arc<KeySet>>>,
    /// The time of the last fetch for an unknown key.
    missed: tokio::sync::Mutex<Option<Instant>>,
}

impl Keys {
    pub(super) fn new(url: Url, fetcher: Fetcher) -> Self {
        Self { url, fetcher, known: RwLock::default(), missed: tokio::sync::Mutex::default() }
    }

    pub(super) fn known(&self) -> Option<Arc<KeySet>> {
        self.known.read().clone()
    }

    pub(super) async fn follow(&self) {
        let mut backoff = BACKOFF;
        loop {
            if self.ask().await.is_some() {
                backoff.reset();
                tokio::time::sleep(EVERY).await;
            } else {
                tokio::time::sleep(backoff.delay()).await;
            }
        }
    }

    /// Returns keys that are newer than this call, if they can be fetched now.
    pub(super) async fn ask_again(&self) -> Option<Arc<KeySet>> {
        let called = Instant::now();
        let mut missed = self.missed.lock().await;
        match *missed {
            // Another caller has fetched them while this one waited.
            Some(asked) if asked >= called => self.known(),
            Some(asked) if asked.elapsed() < AT_MOST => None,
            _ => {
                *missed = Some(Instant::now());
                self.ask().await
            }
        }
    }

    /// Fetches the keys once. On failure, the cached ones stay.
    async fn ask(&self) -> Option<Arc<KeySet>> {
        match self.fetch().await {
            Ok(jwks) => Some(self.learn(jwks)),
            Err(error) => {
                log::warn!("no keys of the gateway from {}: {}", self.url, Chain(&error));
                None
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, Error> {
        read(&self.fetcher.fetch(self.url.clone()).await?)
    }

    fn learn(&self, jwks: Vec<Jwk>) -> Arc<KeySet> {
        let mut known = self.known.write();
        if let Some(known) = known.as_ref().filter(|known| known.jwks == jwks) {
            return Arc::clone(known);
        }
        let generation = known.as_ref().map_or(0, |known| known.generation) + 1;
        let keys: Vec<Key> = jwks.iter().filter_map(Key::of).collect();
        log::info!("the gateway has {} keys", keys.len());
        let set = Arc::new(KeySet { generation, jwks, keys });
        *known = Some(Arc::clone(&set));
        set
    }
}

/// Returns the usable keys of a set. RFC 7517 §5: others are to be ignored.
fn read(text: &[u8]) -> Result<Vec<Jwk>, Error> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(text)?;
    let jwks = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
    let jwks: Vec<Jwk> = jwks.filter(|jwk| Key::of(jwk).is_some()).take(MOST).collect();
    if jwks.is_empty() { Err(Error::Empty) } else { Ok(jwks) }
}

impl Key {
    /// Returns the key, if its type is one that signs identities.
    fn of(jwk: &Jwk) -> Option<Self> {
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            _ => return None,
        };
        let kid = jwk.common.key_id.clone()?;
        Some(Self { kid, algorithm, decoding: DecodingKey::from_jwk(jwk).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#"{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

    #[test]
    fn keys_that_are_not_understood_are_passed_over() {
        let set = |keys: &str| read(format!(r#"{{"keys":[{keys}]}}"#).as_bytes());
        let odd = r#"{"kty":"new","kid":"b"},{"kty":"oct","k":"AA","kid":"c"},7"#;
        assert_eq!(set(&format!("{odd},{EC}")).unwrap().len(), 1);
        assert!(matches!(set(odd), Err(Error::Empty)));
        assert!(matches!(set(&EC.replace(r#""kid":"a","#, "")), Err(Error::Empty)));
        assert!(matches!(read(b"[]"), Err(Error::Json(_))));
    }
}
