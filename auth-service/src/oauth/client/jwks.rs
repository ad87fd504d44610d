//! Public keys of clients: the `jwks` and `jwks_uri` members of RFC 7591 §2.

use jsonwebtoken::{Algorithm, Header};
use serde_json::Value;

use super::public_url::is_public_url;
pub(in crate::oauth) use crate::upstream::jwt::verify;
use crate::{
    model::{AuthMethod, ClientMetadata},
    oauth::Error,
    upstream::{jwt, weakness},
};

/// The supported signing algorithms of assertions.
///
/// All are asymmetric, so that a public key is never used as a shared secret.
pub(in crate::oauth) const ALGORITHMS: [&str; 4] = ["ES256", "RS256", "PS256", "EdDSA"];
const MAX_KEYS: usize = 20;

/// Checks the keys of `metadata`, and that they suit its authentication method.
pub(in crate::oauth) fn check(metadata: &ClientMetadata) -> Result<(), Error> {
    let refuse = |why: &'static str| Err(Error::InvalidClientMetadata(why.into()));
    // "The jwks_uri and jwks parameters MUST NOT both be present in the same request or response."
    if metadata.jwks.is_some() && metadata.jwks_uri.is_some() {
        return refuse("jwks and jwks_uri are mutually exclusive");
    }
    if metadata.jwks_uri.as_ref().is_some_and(|uri| !is_public_url(uri)) {
        return refuse("jwks_uri must be an https URL with a host name, a path and no port");
    }
    if metadata.jwks.as_ref().is_some_and(|jwks| !is_public_jwks(jwks)) {
        return refuse("jwks must contain 1 to 20 keys, all of them public");
    }
    if let Some(why) = keys(metadata.jwks.as_ref()).find_map(weakness) {
        return refuse(why);
    }
    if metadata.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt {
        if metadata.jwks.is_none() && metadata.jwks_uri.is_none() {
            return refuse("private_key_jwt requires jwks or jwks_uri");
        }
        let algorithm = metadata.token_endpoint_auth_signing_alg.as_deref();
        if algorithm.is_some_and(|algorithm| !ALGORITHMS.contains(&algorithm)) {
            return refuse("token_endpoint_auth_signing_alg is not supported");
        }
    }
    Ok(())
}

/// Returns the name of `algorithm`, or `None` if assertions may not use it.
pub(in crate::oauth) const fn name(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::ES256 => Some("ES256"),
        Algorithm::RS256 => Some("RS256"),
        Algorithm::PS256 => Some("PS256"),
        Algorithm::EdDSA => Some("EdDSA"),
        _ => None,
    }
}

/// Selects the key of `jwks` that verifies a JWT with `header`, whose algorithm the caller has
/// checked with [`name`]. Returns `None` if no key or more than one key matches.
pub(in crate::oauth) fn pick(jwks: &Value, header: &Header) -> Option<Value> {
    jwt::pick(keys(Some(jwks)).take(MAX_KEYS), header).cloned()
}

fn keys(jwks: Option<&Value>) -> impl Iterator<Item = &Value> {
    let keys = jwks.and_then(|jwks| jwks.get("keys")).and_then(Value::as_array);
    keys.into_iter().flatten()
}

/// Returns `true` if `jwks` contains 1 to 20 public asymmetric keys.
///
/// A private key that was sent for registration is compromised, so it is rejected.
fn is_public_jwks(jwks: &Value) -> bool {
    let Some(keys) = jwks.get("keys").and_then(Value::as_array) else { return false };
    (1..=MAX_KEYS).contains(&keys.len())
        && keys.iter().all(|key| {
            key.get("kty").is_some_and(|kind| kind.is_string() && kind != "oct")
                && ["d", "k", "p", "q"].iter().all(|secret| key.get(secret).is_none())
        })
}
