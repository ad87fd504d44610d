//! Checks of ID tokens (OpenID Connect Core §3.1.3.7, §12.2).

use aws_lc_rs::digest::{Algorithm as Hash, SHA256, SHA384, SHA512, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;

use super::{super::json::Object, checks, entra, error::OidcError, keys::Signed};
use crate::{config::OidcProvider, model::UnixTime};

/// The claim that only logout tokens have.
pub(super) const EVENTS: &str = "events";

/// The values that an ID token must match.
pub(super) struct Expected<'a> {
    /// The issuer that discovery states.
    pub(super) issuer: &'a str,
    /// The nonce of the login. After a refresh, there is none.
    pub(super) nonce: Option<&'a str>,
    /// The access token of the same answer.
    pub(super) access_token: &'a str,
}

/// Checks the claims of an ID token whose signature is valid, and returns them.
pub(super) fn check(
    signed: Signed,
    provider: &OidcProvider,
    expected: &Expected<'_>,
    now: UnixTime,
) -> Result<Object, OidcError> {
    let claims = &signed.claims;
    checks::typ(&signed, "jwt")?;
    if claims.0.contains_key(EVENTS) {
        return Err(OidcError::Invalid("a logout token is not an ID token"));
    }
    if provider.is_entra() {
        let issuer = entra::check_tenant(provider, expected.issuer, claims)?;
        checks::issuer(claims, &issuer)?;
        if !entra::may_sign_for(&signed.key, &issuer) {
            return Err(OidcError::Invalid("the key belongs to another tenant"));
        }
    } else {
        checks::issuer(claims, expected.issuer)?;
    }
    checks::audience(claims, &provider.client_id)?;
    if checks::time(claims, "exp")?.is_none() {
        return Err(OidcError::Invalid("exp is missing"));
    }
    checks::times(claims, now)?;
    if expected.nonce.is_some_and(|nonce| claims.text("nonce") != Some(nonce)) {
        return Err(OidcError::Invalid("wrong nonce"));
    }
    if claims.text("sub").is_none_or(str::is_empty) {
        return Err(OidcError::Invalid("sub is missing"));
    }
    if let Some(domain) = &provider.hosted_domain
        && claims.text("hd") != Some(domain)
    {
        return Err(OidcError::Invalid("hd is not the hosted_domain"));
    }
    check_access_token_hash(&signed, expected.access_token)?;
    Ok(signed.claims)
}

/// Checks `at_hash` if it is present (OpenID Connect Core §3.1.3.6).
fn check_access_token_hash(signed: &Signed, access_token: &str) -> Result<(), OidcError> {
    let Some(stated) = signed.claims.0.get("at_hash") else { return Ok(()) };
    let hash = digest(hash_of(signed.header.alg), access_token.as_bytes());
    let (half, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    if stated.as_str() == Some(&BASE64_URL_SAFE_NO_PAD.encode(half)) {
        Ok(())
    } else {
        Err(OidcError::Invalid("wrong at_hash"))
    }
}

/// Returns the hash function of a signature algorithm. That of Ed25519 is SHA-512 (RFC 8032 §5.1).
const fn hash_of(algorithm: Algorithm) -> &'static Hash {
    match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &SHA384,
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => &SHA512,
        _ => &SHA256,
    }
}
