//! PKCE (RFC 7636) with the S256 method only.

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::oauth::{Error, Params};

/// Returns the code challenge of an authorization request.
///
/// OAuth 2.1 §4.1.1 makes PKCE mandatory. The `plain` method is rejected, because it gives no
/// protection against an attacker who can read the request.
pub(in crate::oauth) fn challenge(params: &Params) -> Result<String, Error> {
    let challenge =
        params.required("code_challenge", "code_challenge is missing; PKCE is required")?;
    // RFC 7636 §4.3: "Defaults to "plain" if not present in the request".
    if params.one("code_challenge_method")? != Some("S256") {
        return Err(Error::InvalidRequest("code_challenge_method must be S256"));
    }
    // A base64url-encoded SHA-256 has 43 characters.
    if challenge.len() != 43 || !challenge.bytes().all(is_base64url) {
        return Err(Error::InvalidRequest("code_challenge must be a base64url-encoded SHA-256"));
    }
    Ok(challenge.to_owned())
}

/// Returns `true` if `challenge` is the S256 hash of `verifier` (RFC 7636 §4.6).
pub(in crate::oauth) fn fits(verifier: &str, challenge: &str) -> bool {
    // RFC 7636 §4.1: 43 to 128 characters of ALPHA / DIGIT / "-" / "." / "_" / "~".
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| is_base64url(byte) || matches!(byte, b'.' | b'~'));
    let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
    let expected = BASE64_URL_SAFE_NO_PAD.encode(hash.as_ref());
    constant_time::verify_slices_are_equal(expected.as_bytes(), challenge.as_bytes()).is_ok()
        && well_formed
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_fits_and_others_do_not() {
        assert!(fits(VERIFIER, CHALLENGE));
        assert!(!fits(&VERIFIER.replace('d', "e"), CHALLENGE));
        assert!(!fits(CHALLENGE, CHALLENGE));
        assert!(!fits("", CHALLENGE));
    }

    #[test]
    fn only_s256_challenges_are_taken() {
        let query = |method: &str| format!("code_challenge={CHALLENGE}{method}");
        let read = |method: &str| challenge(&Params::parse(query(method).as_bytes()));
        assert!(read("&code_challenge_method=S256").is_ok());
        assert!(read("&code_challenge_method=plain").is_err());
        assert!(read("").is_err());
        let short = Params::parse(b"code_challenge=abc&code_challenge_method=S256");
        assert!(challenge(&short).is_err());
    }
}
