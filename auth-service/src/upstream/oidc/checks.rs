//! Checks of claims that ID tokens and logout tokens share (RFC 7519 §4.1).

use serde_json::Value;

use super::{super::json::Object, error::OidcError, keys::Signed};
use crate::model::UnixTime;

/// The tolerated clock skew between the provider and this machine, in seconds.
pub(super) const LEEWAY: f64 = 60.0;

/// Checks the `typ` header: absent, `JWT` or `kind`. A JWT of another kind, such as an access token,
/// is refused (RFC 8725 §3.11).
pub(super) fn typ(signed: &Signed, kind: &str) -> Result<(), OidcError> {
    let Some(typ) = &signed.header.typ else { return Ok(()) };
    let typ = typ.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    if typ == "jwt" || typ == kind { Ok(()) } else { Err(OidcError::Invalid("wrong typ")) }
}

/// Checks that `iss` is `issuer`, byte for byte.
pub(super) fn issuer(claims: &Object, issuer: &str) -> Result<(), OidcError> {
    if claims.text("iss") == Some(issuer) { Ok(()) } else { Err(OidcError::Invalid("wrong iss")) }
}

/// Checks that `aud` contains `client`. If there are other audiences, or `azp` is present, then `azp`
/// must be `client` (OpenID Connect Core §3.1.3.7).
pub(super) fn audience(claims: &Object, client: &str) -> Result<(), OidcError> {
    let audiences = match claims.0.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        _ => claims.texts("aud").ok_or(OidcError::Invalid("malformed aud"))?,
    };
    if !audiences.contains(&client) {
        return Err(OidcError::Invalid("aud is not this client"));
    }
    let others = audiences.iter().any(|audience| *audience != client);
    let azp = claims.0.get("azp");
    if (others || azp.is_some()) && azp.and_then(Value::as_str) != Some(client) {
        return Err(OidcError::Invalid("azp is not this client"));
    }
    Ok(())
}

/// Returns the time `name` in seconds, which may have a fraction. A value that is not a time is an
/// error, and not an absent one.
pub(super) fn time(claims: &Object, name: &str) -> Result<Option<f64>, OidcError> {
    match claims.0.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64().filter(|time| time.is_finite()) {
            Some(time) => Ok(Some(time)),
            None => Err(OidcError::Invalid("a time is not a number")),
        },
    }
}

/// Checks `exp`, `nbf` and `iat` at the time `now`, as far as they are present.
pub(super) fn times(claims: &Object, now: UnixTime) -> Result<(), OidcError> {
    let now = seconds(now);
    if time(claims, "exp")?.is_some_and(|end| now >= end + LEEWAY) {
        return Err(OidcError::Invalid("expired"));
    }
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|begin| begin > now + LEEWAY) {
            return Err(OidcError::Invalid("not yet valid"));
        }
    }
    Ok(())
}

/// Returns `time` as a number with a fraction.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 have less than 53 bits")]
pub(super) const fn seconds(time: UnixTime) -> f64 {
    time.0 as f64
}
