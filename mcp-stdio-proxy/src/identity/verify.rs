//! The check of one identity (RFC 7519 §7.2, RFC 8725).

use gateway_contract::identity::TYPE;
use jsonwebtoken::{Validation, decode, decode_header, get_current_timestamp};

use super::keys::Key;

/// How far the clocks may differ, in seconds.
const LEEWAY: u64 = 5;
/// The longest user id.
const USER_LENGTH: usize = 256;
/// The longest hash.
const HASH_LENGTH: usize = 128;
/// The most patterns of tools.
const TOOL_PATTERNS: usize = 256;

/// The claims of an identity, owned.
pub(super) type Claims = gateway_contract::identity::Claims<'static>;

/// The key that `token` names, if its header is that of an identity.
pub(super) fn kid(token: &str) -> Option<String> {
    let header = decode_header(token).ok()?;
    let typ = header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE));
    // RFC 7515 §4.1.11: no extension is understood here.
    header.kid.filter(|_| typ && header.crit.is_none())
}

/// The claims, if `key` signed them. When they end is another question.
pub(super) fn read(token: &str, key: &Key) -> Option<Claims> {
    // RFC 8725 §3.1: the algorithm is that of the key, whatever the header says.
    let mut validation = Validation::new(key.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    // It names the public URL, which is not known here; `mcp_server` says the same.
    validation.validate_aud = false;
    let claims: Claims = decode(token, &key.decoding, &validation).ok()?.claims;
    let usable = (1..=USER_LENGTH).contains(&claims.sub.len());
    let hashes = [&claims.grant_hash, &claims.token_hash];
    let usable = usable && hashes.into_iter().flatten().all(|hash| hash.len() <= HASH_LENGTH);
    let allowed = claims.tools_allow.as_ref().map_or(0, Vec::len);
    let usable = usable && allowed + claims.tools_deny.len() <= TOOL_PATTERNS;
    (usable && !claims.sub.contains(char::is_control)).then_some(claims)
}

/// Whether what ends at `end` has ended.
pub(super) fn is_over(end: u64) -> bool {
    get_current_timestamp() >= end.saturating_add(LEEWAY)
}
