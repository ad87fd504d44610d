//! Signatures of JWTs that other parties sign (RFC 7515): client assertions, ID tokens and logout
//! tokens.
//!
//! The claims are left to the caller, because only the caller has the clock and knows the meaning.

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::key_strength::weakness;

/// Returns the name of `algorithm`, or `None` if it is symmetric or unknown.
///
/// A public key must never be used as a shared secret.
#[must_use]
pub(crate) const fn algorithm_name(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::ES256 => Some("ES256"),
        Algorithm::ES384 => Some("ES384"),
        Algorithm::RS256 => Some("RS256"),
        Algorithm::RS384 => Some("RS384"),
        Algorithm::RS512 => Some("RS512"),
        Algorithm::PS256 => Some("PS256"),
        Algorithm::PS384 => Some("PS384"),
        Algorithm::PS512 => Some("PS512"),
        Algorithm::EdDSA => Some("EdDSA"),
        _ => None,
    }
}

/// Selects the JWK that verifies a JWT with `header`.
///
/// This is the key that the header names, or else the only suitable one. Returns `None` if no key or
/// more than one key matches. Weak keys are ignored.
pub(crate) fn pick<'a>(
    mut keys: impl Iterator<Item = &'a Value>,
    header: &Header,
) -> Option<&'a Value> {
    let mut fitting = keys.by_ref().filter(|key| fits(key, header) && weakness(key).is_none());
    let key = fitting.next()?;
    fitting.next().is_none().then_some(key)
}

/// Returns `true` if `key` has the type and curve of the algorithm, and the `kid` of the header.
/// The members `use` and `alg` count only if they are present.
fn fits(key: &Value, header: &Header) -> bool {
    let is = |member: &str, value: &str| key.get(member).is_some_and(|given| given == value);
    let if_given = |member: &str, value: &str| key.get(member).is_none() || is(member, value);
    let Some(name) = algorithm_name(header.alg) else { return false };
    let kind = match header.alg {
        Algorithm::ES256 => is("kty", "EC") && is("crv", "P-256"),
        Algorithm::ES384 => is("kty", "EC") && is("crv", "P-384"),
        Algorithm::EdDSA => is("kty", "OKP") && is("crv", "Ed25519"),
        _ => is("kty", "RSA"),
    };
    kind && if_given("use", "sig")
        && if_given("alg", name)
        && header.kid.as_ref().is_none_or(|kid| is("kid", kid))
}

/// Verifies the signature of `token` with `key`, which must have been selected for `header`.
///
/// Returns the claims if the signature is valid. It checks no claim.
pub(crate) fn verify<T: DeserializeOwned>(token: &str, header: &Header, key: &Value) -> Option<T> {
    let member = |name: &str| key.get(name).and_then(Value::as_str);
    let key = match header.alg {
        Algorithm::ES256 | Algorithm::ES384 => {
            DecodingKey::from_ec_components(member("x")?, member("y")?)
        }
        Algorithm::EdDSA => DecodingKey::from_ed_components(member("x")?),
        _ => DecodingKey::from_rsa_components(member("n")?, member("e")?),
    };
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, &key.ok()?, &validation).ok().map(|token| token.claims)
}
