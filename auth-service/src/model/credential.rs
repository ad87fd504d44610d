//! Random credentials, revealed once and stored only as SHA-256 hashes.

use std::fmt;

use aws_lc_rs::{constant_time, digest, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// An error of the random number generator.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the random number generator failed")]
pub struct RandomError;

/// The SHA-256 hash of a credential as base64url. The store keeps it instead of the credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Computes the fingerprint of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        Self(BASE64_URL_SAFE_NO_PAD.encode(hash.as_ref()))
    }

    /// Wraps a fingerprint in its stored form, without a check.
    #[must_use]
    pub fn parsed(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns `true` if both fingerprints are equal. Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }

    /// Returns the fingerprint as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public identifier, which is not a secret. Generated identifiers are random bytes as base64url.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identifier(String);

impl Identifier {
    /// Generates an identifier of 128 random bits.
    pub fn generate() -> Result<Self, RandomError> {
        random::<16>().map(Self)
    }

    /// Generates the `jti` of an access token under `grant`: 64 random bits and the id of the grant. The
    /// record of a token is thus found by its `jti` alone.
    pub fn of_token(grant: &Self) -> Result<Self, RandomError> {
        random::<8>().map(|random| Self(format!("{random}.{grant}")))
    }

    /// Returns the grant of a token from its `jti`, or `None` for the `jti` of an earlier version.
    #[must_use]
    pub fn grant_of_token(&self) -> Option<Self> {
        self.0.split_once('.').map(|(_, grant)| Self(grant.to_owned()))
    }

    /// Wraps an identifier from a request or the store, without a check.
    #[must_use]
    pub fn parsed(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn random<const BYTES: usize>() -> Result<String, RandomError> {
    let mut bytes = [0_u8; BYTES];
    rand::fill(&mut bytes).map_err(|_| RandomError)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

macro_rules! credential {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Generates a credential of 256 random bits.
            pub fn generate() -> Result<Self, RandomError> {
                Ok(Self(random::<32>()?.into()))
            }

            /// Wraps a credential that a caller presented, without a check.
            #[must_use]
            pub fn presented(text: impl Into<String>) -> Self {
                Self(text.into().into())
            }

            /// Returns the credential in clear text, to be sent to its owner only.
            #[must_use]
            pub fn reveal(&self) -> &str {
                self.0.expose_secret()
            }

            /// Computes the fingerprint that the store keeps.
            #[must_use]
            pub fn fingerprint(&self) -> Fingerprint {
                Fingerprint::of(self.reveal())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    };
}

credential!(
    /// An authorization code (RFC 6749 §4.1.2).
    AuthorizationCode
);
credential!(
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken
);
credential!(
    /// A client secret (RFC 6749 §2.3.1).
    ClientSecret
);
credential!(
    /// A JWT by which a client authenticates (RFC 7523 §2.2).
    ClientAssertion
);
credential!(
    /// A registration access token (RFC 7592 §1.2).
    RegistrationToken
);
credential!(
    /// The cookie that binds a flow to one browser, from the consent page to the callback.
    BrowserSession
);
credential!(
    /// An encrypted pending authorization, kept in a form or a cookie of the browser.
    SealedAuthorization
);
credential!(
    /// A CSRF token, which proves that the consent form was sent from our own page.
    CsrfToken
);
credential!(
    /// The `state` parameter of our request to the login provider (RFC 6749 §4.1.1).
    LoginState
);
credential!(
    /// The cookie of a user's login session at this server.
    LoginSession
);
credential!(
    /// The code with which a device polls for its token (RFC 8628 §3.2).
    DeviceCode
);
credential!(
    /// The code that a device displays and its user types (RFC 8628 §3.2).
    UserCode
);
credential!(
    /// A single-use login code, minted by the operator for a user.
    LoginCode
);

impl LoginCode {
    /// Generates a code that is easy to type: 16 characters of an alphabet of 32, or 80 random bits.
    pub fn for_typing() -> Result<Self, RandomError> {
        Ok(Self(letters(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 16)?.into()))
    }

    /// Reads a code as a user typed it, regardless of case and separators.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        Self(as_typed(text).into())
    }
}

impl UserCode {
    /// Generates a code as RFC 8628 §6.1 recommends: 8 of 20 consonants, which spell no words. It has
    /// 34.6 random bits, enough for a lifetime of five minutes and a limited number of guesses.
    pub fn for_typing() -> Result<Self, RandomError> {
        Ok(Self(letters(b"BCDFGHJKLMNPQRSTVWXZ", 8)?.into()))
    }

    /// Reads a code as a user typed it, regardless of case and separators.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        Self(as_typed(text).into())
    }
}

/// Generates `count` letters of `alphabet` with equal probability, in groups of four.
fn letters(alphabet: &[u8], count: usize) -> Result<String, RandomError> {
    let fair = usize::from(u8::MAX) + 1;
    let fair = fair - fair % alphabet.len();
    let mut code = String::with_capacity(count);
    while code.len() < count {
        let mut byte = [0_u8];
        rand::fill(&mut byte).map_err(|_| RandomError)?;
        let [byte] = byte.map(usize::from);
        let letter = alphabet.get(byte % alphabet.len()).filter(|_| byte < fair);
        code.extend(letter.map(|&letter| char::from(letter)));
    }
    Ok(as_typed(&code))
}

/// Normalizes a code to upper case and groups of four. Other characters are dropped.
fn as_typed(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    let letters: Vec<char> = letters.map(|letter| letter.to_ascii_uppercase()).take(64).collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_code_is_read_back_however_it_is_typed() {
        let code = LoginCode::for_typing().unwrap();
        assert_eq!(code.reveal().len(), 19);
        let sloppy = code.reveal().to_lowercase().replace('-', " ");
        assert_eq!(LoginCode::typed(&sloppy).fingerprint(), code.fingerprint());
        assert_ne!(LoginCode::typed("AAAA").fingerprint(), code.fingerprint());
        assert_eq!(UserCode::for_typing().unwrap().reveal().len(), 9);
    }

    /// Checks the numbers of random bits stated in `docs/RFC.md`.
    #[test]
    fn a_code_has_the_bits_that_are_claimed() {
        let bits = |alphabet: f64, letters: f64| letters * alphabet.log2();
        let letters = |code: &str| code.replace('-', "").len();
        assert_eq!(letters(UserCode::for_typing().unwrap().reveal()), 8);
        assert_eq!(letters(LoginCode::for_typing().unwrap().reveal()), 16);
        assert!(
            (34.5..34.7).contains(&bits(20.0, 8.0)) && (80.0..80.1).contains(&bits(32.0, 16.0))
        );
        let (mut typed, mut alphabet) = (String::new(), std::collections::BTreeSet::new());
        for _ in 0..500 {
            typed.push_str(UserCode::for_typing().unwrap().reveal());
        }
        alphabet.extend(typed.chars().filter(char::is_ascii_alphanumeric));
        assert_eq!(alphabet.len(), 20);
        // 32 bytes are 43 characters of base64url.
        assert_eq!(DeviceCode::generate().unwrap().reveal().len(), 43);
    }

    #[test]
    fn debug_output_never_shows_a_credential() {
        let token = RefreshToken::generate().unwrap();
        assert_eq!(format!("{token:?}"), "RefreshToken(redacted)");
        assert_eq!(token.reveal().len(), 43);
    }
}
