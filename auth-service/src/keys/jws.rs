//! JWS compact serialization (RFC 7515 §3.1) with keys that are parsed only once. `jsonwebtoken`
//! parses the key for every signature, which costs as much as the signature itself.

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use super::error::Error;

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
            let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key());
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
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.public.verify_sig(message.as_bytes(), &signature).ok()?;
        let (_, payload) = message.split_once('.')?;
        BASE64_URL_SAFE_NO_PAD.decode(payload).ok()
    }
}
