//! JWS compact serialization (RFC 7515 §3.1) with keys that are parsed only once. `jsonwebtoken`
//! parses the key for every signature, which costs as much as the signature itself.

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use super::signing_key::Error;

/// A private key and the corresponding public key.
pub(super) struct JwsKey {
    pair: Pair,
    public: ParsedPublicKey,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(rsa::KeyPair),
}

impl JwsKey {
    /// Creates the key from one that `jsonwebtoken` has decoded for `algorithm`.
    pub(super) fn new(key: &EncodingKey, algorithm: Algorithm) -> Result<Self, Error> {
        let unusable = |_| Error::Unusable;
        if algorithm == Algorithm::ES256 {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes());
            let pair = pair.map_err(unusable)?;
            let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key());
            return Ok(Self { public: public.map_err(unusable)?, pair: Pair::Es256(pair) });
        }
        let pair = rsa::KeyPair::from_der(key.as_bytes()).map_err(unusable)?;
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key());
        Ok(Self { public: public.map_err(unusable)?, pair: Pair::Rs256(pair) })
    }

    /// Signs `claims` with the JOSE `header`. Returns the compact serialization.
    pub(super) fn sign<T: Serialize>(&self, header: &Header, claims: &T) -> Result<String, Error> {
        let mut token = String::with_capacity(1024);
        BASE64_URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(header)?, &mut token);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut token);
        let signature = self.signature(token.as_bytes()).map_err(|_| Error::Sign)?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    /// Verifies the signature of `token`. Returns its decoded payload, or `None` if this key did
    /// not sign it.
    pub(super) fn verify(&self, token: &str) -> Option<Vec<u8>> {
        let (message, signature) = token.rsplit_once('.')?;
        let mut signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        if let Pair::Es256(_) = self.pair {
            signature = in_der(&signature)?;
        }
        self.public.verify_sig(message.as_bytes(), &signature).ok()?;
        let (_, payload) = message.split_once('.')?;
        BASE64_URL_SAFE_NO_PAD.decode(payload).ok()
    }
}

/// Converts an ES256 signature from two 32-byte numbers (RFC 7518 §3.4) into a DER `SEQUENCE` of
/// two `INTEGER`s (RFC 5480). The conversion of the library would take a twentieth of the total
/// cost of a new token.
fn in_der(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(32).filter(|(_, s)| s.len() == 32)?;
    let mut numbers = Vec::with_capacity(70);
    for number in [r, s] {
        // Minimal length, with a leading zero byte if the number would otherwise be negative
        // (X.690 §8.3).
        let zeros = number.iter().take(31).take_while(|byte| **byte == 0).count();
        let digits = number.get(zeros..)?;
        let sign: &[u8] = if *digits.first()? < 0x80 { &[] } else { &[0] };
        numbers.extend([2, u8::try_from(sign.len() + digits.len()).ok()?]);
        numbers.extend(sign.iter().chain(digits));
    }
    let mut sequence = vec![0x30, u8::try_from(numbers.len()).ok()?];
    sequence.append(&mut numbers);
    Some(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_can_be_and_not_negative() {
        let mut signature = [0; 64];
        signature[30..32].copy_from_slice(&[0x7f, 0xff]);
        signature[32] = 0x80;
        let mut expected = vec![0x30, 39, 2, 2, 0x7f, 0xff, 2, 33, 0, 0x80];
        expected.extend([0; 31]);
        assert_eq!(in_der(&signature), Some(expected));
        assert_eq!(in_der(&[0; 64]), Some(vec![0x30, 6, 2, 1, 0, 2, 1, 0]));
        assert_eq!(in_der(&[0xff; 64]).map(|der| der.len()), Some(72));
        for length in [0, 32, 63, 65] {
            assert_eq!(in_der(&vec![1; length]), None, "{length}");
        }
    }

    #[test]
    fn the_library_reads_what_it_signed() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key()).unwrap();
        for number in 0..1000_u32 {
            let message = number.to_be_bytes();
            let signature = pair.sign(&SystemRandom::new(), &message).unwrap();
            let der = in_der(signature.as_ref()).unwrap();
            assert!(public.verify_sig(&message, &der).is_ok(), "{der:?}");
            assert!(public.verify_sig(b"else", &der).is_err());
        }
    }
}
