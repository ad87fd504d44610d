//! The signing keys of a provider (JWKS, RFC 7517 §5), and the signatures that they verify.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Header, decode_header};
use serde_json::Value;

use super::{
    super::{json::Object, jwt, provider_http::ProviderHttp},
    cached::{Cached, Fetched, Lifetimes},
    error::OidcError,
    http::get,
};
use crate::model::{ProviderName, UnixTime};

/// The minimum and maximum time until the keys are fetched again, whatever the answer says.
const FRESH: (Duration, Duration) = (Duration::from_mins(10), Duration::from_hours(24));
/// The time that stale keys remain usable while fetching them again fails.
const STALE: Duration = Duration::from_hours(1);
/// The maximum number of keys of a provider.
const MAX_KEYS: usize = 100;

/// The keys of a provider, as JWKs.
pub(super) type Keys = Vec<Value>;

/// A JWT whose signature is valid. Its claims are still unchecked.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) header: Header,
    pub(super) claims: Object,
    /// The JWK that verified the signature.
    pub(super) key: Value,
}

/// Creates the cache of the keys.
pub(super) fn cache(provider: &ProviderName) -> Cached<Keys> {
    let name = format!("keys of the provider {provider}");
    Cached::new(name, Lifetimes { fresh: FRESH, stale: STALE })
}

async fn fetch(http: &ProviderHttp, uri: &str) -> Result<Fetched<Keys>, OidcError> {
    let document = get(http, uri, None).await?;
    let keys = document.object.0.get("keys").and_then(Value::as_array);
    let keys = keys.filter(|keys| !keys.is_empty() && keys.len() <= MAX_KEYS);
    let keys = keys.ok_or_else(|| {
        OidcError::Unavailable(format!("the key set has no keys, or more than {MAX_KEYS}"))
    })?;
    Ok((keys.clone(), document.max_age))
}

/// Verifies the signature of `token` with the provider's keys from `uri`.
///
/// If the known keys do not verify it, the keys may have been rotated. They are then fetched again,
/// at most once a minute.
pub(super) async fn verify(
    token: &str,
    (cache, http, uri): (&Cached<Keys>, &ProviderHttp, &str),
    now: UnixTime,
) -> Result<Signed, OidcError> {
    let header = decode_header(token).map_err(|_| OidcError::Invalid("malformed JWT"))?;
    if jwt::algorithm_name(header.alg).is_none() {
        return Err(OidcError::Invalid("the algorithm is not an asymmetric one"));
    }
    // RFC 7515 §4.1.11: critical headers that are not understood make a JWT invalid.
    if header.crit.is_some() {
        return Err(OidcError::Invalid("the header has critical members"));
    }
    let keys = cache.current(now, fetch(http, uri)).await?;
    if let Some(signed) = verify_with(&keys, token, &header) {
        return Ok(signed);
    }
    let newer = cache.newer(&keys, now, fetch(http, uri)).await;
    newer
        .and_then(|keys: Arc<Keys>| verify_with(&keys, token, &header))
        .ok_or(OidcError::Invalid("no key of the provider verifies the signature"))
}

fn verify_with(keys: &Keys, token: &str, header: &Header) -> Option<Signed> {
    let key = jwt::pick(keys.iter(), header)?;
    let claims = jwt::verify(token, header, key)?;
    Some(Signed { header: header.clone(), claims, key: key.clone() })
}

/// Counts the keys that can verify a signature, for diagnostics.
pub(super) async fn count(
    (cache, http, uri): (&Cached<Keys>, &ProviderHttp, &str),
    now: UnixTime,
) -> Result<usize, OidcError> {
    let keys = cache.current(now, fetch(http, uri)).await?;
    let usable = |key: &&Value| {
        let is = |member: &str, value: &str| key.get(member).is_some_and(|given| given == value);
        !is("kty", "oct") && !is("use", "enc") && super::super::weakness(key).is_none()
    };
    Ok(keys.iter().filter(usable).count())
}
