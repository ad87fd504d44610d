//! The public keys of a client (RFC 7591 §2 `jwks` and `jwks_uri`).

use serde_json::Value;

use super::{Error, client_metadata::is_public_url};
use crate::model::{AuthMethod, ClientMetadata};

/// The algorithms of assertions: asymmetric, so that a public key is never taken for a secret.
pub(super) const ALGORITHMS: [&str; 4] = ["ES256", "RS256", "PS256", "EdDSA"];
const MAX_KEYS: usize = 20;

/// Whether the keys of `metadata` fit together, and with how it authenticates.
pub(super) fn check(metadata: &ClientMetadata) -> Result<(), Error> {
    let refuse = |why| Err(Error::InvalidClientMetadata(why));
    // "The jwks_uri and jwks parameters MUST NOT both be present in the same request or response."
    if metadata.jwks.is_some() && metadata.jwks_uri.is_some() {
        return refuse("jwks and jwks_uri exclude each other");
    }
    if metadata.jwks_uri.as_ref().is_some_and(|uri| !is_public_url(uri)) {
        return refuse("jwks_uri must be an https URL with a host name, a path and no port");
    }
    if metadata.jwks.as_ref().is_some_and(|jwks| !is_public_jwks(jwks)) {
        return refuse("jwks must have 1 to 20 keys, all of them public");
    }
    if metadata.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt {
        if metadata.jwks.is_none() && metadata.jwks_uri.is_none() {
            return refuse("private_key_jwt needs jwks or jwks_uri");
        }
        let algorithm = metadata.token_endpoint_auth_signing_alg.as_deref();
        if algorithm.is_some_and(|algorithm| !ALGORITHMS.contains(&algorithm)) {
            return refuse("token_endpoint_auth_signing_alg is not supported");
        }
    }
    Ok(())
}

/// A key that was registered with its private part is no secret any more.
fn is_public_jwks(jwks: &Value) -> bool {
    let Some(keys) = jwks.get("keys").and_then(Value::as_array) else { return false };
    (1..=MAX_KEYS).contains(&keys.len())
        && keys.iter().all(|key| {
            key.get("kty").is_some_and(|kind| kind.is_string() && kind != "oct")
                && ["d", "k", "p", "q"].iter().all(|secret| key.get(secret).is_none())
        })
}
