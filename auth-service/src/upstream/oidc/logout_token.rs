//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6).

use std::time::Duration;

use serde_json::Value;

use super::{
    checks::{self, LEEWAY},
    error::OidcError,
    id_token::EVENTS,
    keys::Signed,
};
use crate::{
    config::OidcProvider,
    model::{UnixTime, stable_id},
};

/// The maximum size of a logout token, which anybody can send.
pub(super) const MAX_BYTES: usize = 16 * 1024;
/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The maximum age of a logout token. Its `jti` must be remembered for this long.
const MAX_AGE: Duration = Duration::from_mins(2);
/// The maximum length of `jti` and `sid`.
const MAX_TEXT: usize = 255;

/// The logout that a provider announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    /// The stable id of the person, if the token names one.
    pub id: Option<String>,
    /// The id of the login session at the provider, if the token names one.
    pub sid: Option<String>,
    /// The id of the token. The caller must accept it only once.
    pub jti: String,
    /// The time until which the caller must remember `jti`.
    pub expires_at: UnixTime,
}

/// Checks the claims of a logout token whose signature is valid.
pub(super) fn check(
    signed: &Signed,
    (provider, issuer): (&OidcProvider, &str),
    now: UnixTime,
) -> Result<Logout, OidcError> {
    let claims = &signed.claims;
    checks::typ(signed, "logout+jwt")?;
    let event = claims.0.get(EVENTS).and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(OidcError::Invalid("events has no logout"));
    }
    // An ID token has a nonce, and must not serve as a logout token.
    if claims.0.contains_key("nonce") {
        return Err(OidcError::Invalid("a logout token has no nonce"));
    }
    checks::issuer(claims, issuer)?;
    checks::audience(claims, &provider.client_id)?;
    checks::times(claims, now)?;
    let created = checks::time(claims, "iat")?.ok_or(OidcError::Invalid("iat is missing"))?;
    if checks::seconds(now) >= created + MAX_AGE.as_secs_f64() + LEEWAY {
        return Err(OidcError::Invalid("the logout token is too old"));
    }
    let fitting =
        |name: &str| claims.text(name).filter(|text| (1..=MAX_TEXT).contains(&text.len()));
    let jti = fitting("jti").ok_or(OidcError::Invalid("jti is missing"))?;
    let sid = fitting("sid").map(str::to_owned);
    // `sub` of Entra is not the id of a person here.
    let sub = claims.text("sub").filter(|_| !provider.is_entra());
    let id = sub.and_then(stable_id);
    if id.is_none() && sid.is_none() {
        return Err(OidcError::Invalid("neither sub nor sid"));
    }
    // The token may have been issued in the future by the leeway.
    let expires_at = now.plus(MAX_AGE).plus(Duration::from_mins(2));
    Ok(Logout { id, sid, jti: jti.to_owned(), expires_at })
}
