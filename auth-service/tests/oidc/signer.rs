//! Signing keys of a provider, and JWTs with any header.

use std::sync::LazyLock;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
        RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The asymmetric algorithms that a provider may sign with.
pub(crate) const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// The keys of one provider.
pub(crate) struct Signer {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

/// The keys of the provider under test, and those of anybody else.
pub(crate) static OWN: LazyLock<Signer> = LazyLock::new(Signer::new);
pub(crate) static FOREIGN: LazyLock<Signer> = LazyLock::new(Signer::new);

impl Signer {
    fn new() -> Self {
        Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
            ed25519: Ed25519KeyPair::generate().unwrap(),
        }
    }

    /// The JWK that verifies `algorithm`, without `use` and `alg`.
    pub(crate) fn jwk(&self, algorithm: &str, kid: &str) -> Value {
        let ec = |crv: &str, key: &EcdsaKeyPair| {
            let point = &key.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            json!({ "kty": "EC", "crv": crv, "x": encoded(x), "y": encoded(y) })
        };
        let mut jwk = match algorithm {
            "ES256" => ec("P-256", &self.p256),
            "ES384" => ec("P-384", &self.p384),
            "EdDSA" => {
                let x = encoded(self.ed25519.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
            }
            _ => {
                let key = self.rsa.public_key();
                let number = |bytes: &[u8]| encoded(bytes);
                let n = number(key.modulus().big_endian_without_leading_zero());
                let e = number(key.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": n, "e": e })
            }
        };
        jwk["kid"] = json!(kid);
        jwk
    }

    /// A JWT with this header, signed by the key of `algorithm`, whatever the header says.
    pub(crate) fn sign(&self, algorithm: &str, header: &Value, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims));
        let bytes = message.as_bytes();
        let random = SystemRandom::new();
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            self.rsa.sign(encoding, &random, bytes, &mut signature).unwrap();
            signature
        };
        let signature = match algorithm {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "RS384" => rsa(&RSA_PKCS1_SHA384),
            "RS512" => rsa(&RSA_PKCS1_SHA512),
            "PS256" => rsa(&RSA_PSS_SHA256),
            "PS384" => rsa(&RSA_PSS_SHA384),
            "PS512" => rsa(&RSA_PSS_SHA512),
            "ES256" => self.p256.sign(&random, bytes).unwrap().as_ref().to_vec(),
            "ES384" => self.p384.sign(&random, bytes).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed25519.sign(bytes).as_ref().to_vec(),
            _ => Vec::new(),
        };
        format!("{message}.{}", encoded(signature))
    }
}

/// A JWT whose signature is an HMAC with `secret`.
pub(crate) fn sign_with_secret(secret: &[u8], header: &Value, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header.to_string()), encoded(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", encoded(signature))
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
