//! A PKCE pair (RFC 7636).

use aws_lc_rs::{digest, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// A fresh verifier and its S256 challenge.
pub fn pair() -> (String, String) {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).expect("random bytes");
    let verifier = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let challenge = challenge(&verifier);
    (verifier, challenge)
}

/// The S256 challenge of `verifier`.
pub fn challenge(verifier: &str) -> String {
    let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}
