//! Credentials that can be reissued without being stored.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Derives a credential from `secret`, which its owner presents, and `salt`, which the store keeps.
///
/// Neither value is enough on its own, so a copy of the store reveals no credential.
pub(super) fn derive(secret: &str, salt: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, secret.as_bytes()).as_ref())
}
