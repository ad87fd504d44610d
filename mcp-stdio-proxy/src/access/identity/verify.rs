//! Verification of one identity token (RFC 7519 §7.2, RFC 8725).

use gateway_contract::identity::TYPE;
use jsonwebtoken::{Validation, decode, decode_header, get_current_timestamp};

use super::keys::Key;

/// The tolerated clock skew, in seconds.
const LEEWAY: u64 = 5;
/// The maximum length of a user id.
const USER_LENGTH: usize = 256;
/// The maximum length of a hash.
const HASH_LENGTH: usize = 128;
/// The maximum number of tool patterns.
const TOOL_PATTERNS: usize = 256;

/// The claims of an identity, owned.
pub(super) type Claims = gateway_contract::identity::Claims<'static>;

/// Returns the key id of `token`, if its header is that of an identity.
pub(super) fn kid(token: &str) -> Option<String> {
    let header = decode_header(token).ok()?;
    let typ = header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE));
    // RFC 7515 §4.1.11: no critical extensions are supported.
    header.kid.filter(|_| typ && header.crit.is_none())
}

/// Returns the claims, if `key` signed them. Expiry is checked separately.
pub(super) fn read(token: &str, key: &Key) -> Option<Claims> {
    // RFC 8725 §3.1: the key determines the algorithm, not the header.
    let mut validation = Validation::new(key.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    // The audience is the public URL, which is unknown here; `mcp_server` identifies the same server.
    validation.validate_aud = false;
    let claims: Claims = decode(token, &key.decoding, &validation).ok()?.claims;
    let usable = (1..=USER_LENGTH).contains(&claims.sub.len());
    let hashes = [&claims.grant_hash, &claims.token_hash];
    let usable = usable && hashes.into_iter().flatten().all(|hash| hash.len() <= HASH_LENGTH);
    let allowed = claims.tools_allow.as_ref().map_or(0, Vec::len);
    let usable = usable && allowed + claims.tools_deny.len() <= TOOL_PATTERNS;
    (usable && !claims.sub.contains(char::is_control)).then_some(claims)
}

/// Returns `true` if the time `end` has passed.
pub(super) fn is_over(end: u64) -> bool {
    get_current_timestamp() >= end.saturating_add(LEEWAY)
}
