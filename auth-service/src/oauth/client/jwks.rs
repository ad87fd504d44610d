//! Public keys of clients: the `jwks` and `jwks_uri` members of RFC 7591 §2.

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, jwk::Jwk};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{key_strength::weakness, public_url::is_public_url};
use crate::{
    model::{AuthMethod, ClientMetadata},
    oauth::Error,
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

/// Selects the key of `jwks` that verifies a JWT with `header`.
///
/// This is the key that the header names, or else the only suitable one. Returns `None` if no key or
/// more than one key matches. Weak keys are ignored.
pub(in crate::oauth) fn pick(jwks: &Value, header: &Header) -> Option<Value> {
    let fits = |key: &&Value| fits(key, header) && weakness(key).is_none();
    let mut fitting = keys(Some(jwks)).take(MAX_KEYS).filter(fits);
    let key = fitting.next()?;
    fitting.next().is_none().then(|| key.clone())
}

fn keys(jwks: Option<&Value>) -> impl Iterator<Item = &Value> {
    let keys = jwks.and_then(|jwks| jwks.get("keys")).and_then(Value::as_array);
    keys.into_iter().flatten()
}

fn fits(key: &Value, header: &Header) -> bool {
    let is = |member: &str, value: &str| key.get(member).is_some_and(|given| given == value);
    let if_given = |member: &str, value: &str| key.get(member).is_none() || is(member, value);
    let kind = match header.alg {
        Algorithm::ES256 => is("kty", "EC") && is("crv", "P-256"),
        Algorithm::RS256 | Algorithm::PS256 => is("kty", "RSA"),
        Algorithm::EdDSA => is("kty", "OKP") && is("crv", "Ed25519"),
        _ => false,
    };
    kind && if_given("use", "sig")
        && name(header.alg).is_some_and(|name| if_given("alg", name))
        && header.kid.as_ref().is_none_or(|kid| is("kid", kid))
}

/// Verifies the signature of `token` with `key`, which must have been selected for `header`.
///
/// Returns the claims if the signature is valid. The caller must check the claims, because only the
/// caller has the clock.
pub(in crate::oauth) fn verify<T: DeserializeOwned>(
    token: &str,
    header: &Header,
    key: &Value,
) -> Option<T> {
    let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    jsonwebtoken::decode(token, &key, &validation).ok().map(|token| token.claims)
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
