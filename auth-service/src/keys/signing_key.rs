//! The keys that sign tokens, from a PEM file. They are published as JWKs (RFC 7517) with their
//! thumbprint as `kid` (RFC 7638).

use std::{borrow::Cow, path::Path};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet, KeyOperations, PublicKeyUse, ThumbprintHash},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{error::Error, jws::JwsKey};

/// The JOSE header parameters that verification uses (RFC 7515 §4.1).
#[derive(Deserialize)]
struct JoseHeader<'a> {
    #[serde(borrow)]
    typ: Cow<'a, str>,
    alg: Algorithm,
    #[serde(borrow)]
    kid: Cow<'a, str>,
    crit: Option<IgnoredAny>,
}

struct Key {
    kid: String,
    algorithm: Algorithm,
    jws: JwsKey,
    jwk: Jwk,
}

/// The signing keys. The first one signs and all of them verify, so that a key can be rotated
/// without invalidating tokens.
pub struct SigningKeys {
    first: Key,
    others: Vec<Key>,
}

impl SigningKeys {
    /// Reads all private keys in a PEM file.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let name = file.display().to_string();
        let text =
            std::fs::read_to_string(file).map_err(|error| Error::Read(name.clone(), error))?;
        let blocks = pem::parse_many(text)?.into_iter().filter(|block| {
            matches!(block.tag(), "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY")
        });
        let mut keys = blocks.map(|block| Key::read(&pem::encode(&block)));
        let first = keys.next().ok_or(Error::Empty(name))??;
        Ok(Self { first, others: keys.collect::<Result<_, _>>()? })
    }

    /// Signs `claims` as a JWT of type `typ` (RFC 8725 §3.11).
    pub fn sign<T: Serialize>(&self, typ: &str, claims: &T) -> Result<String, Error> {
        let mut header = Header::new(self.first.algorithm);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.first.kid.clone());
        self.first.jws.sign(&header, claims)
    }

    /// Verifies the signature and the type of `token`. Returns its claims as JSON, or `None` if
    /// none of these keys signed it as a `typ`. The caller must check the claims, including times,
    /// because it has the clock.
    #[must_use]
    pub fn verify(&self, typ: &str, token: &str) -> Option<Vec<u8>> {
        let (header, _) = token.split_once('.')?;
        let header = BASE64_URL_SAFE_NO_PAD.decode(header).ok()?;
        let header: JoseHeader<'_> = serde_json::from_slice(&header).ok()?;
        if !header.typ.eq_ignore_ascii_case(typ) {
            return None;
        }
        // RFC 7515 §4.1.11: no extension is supported.
        if header.crit.is_some() {
            return None;
        }
        let key = self.all().find(|key| key.kid == header.kid)?;
        // RFC 8725 §3.1: the key determines the algorithm, not the token.
        if header.alg != key.algorithm {
            return None;
        }
        key.jws.verify(token)
    }

    /// Returns the public keys as a JWK Set (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        JwkSet { keys: self.all().map(|key| key.jwk.clone()).collect() }
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Key {
    fn read(text: &str) -> Result<Self, Error> {
        let ec = EncodingKey::from_ec_pem(text.as_bytes());
        let (encoding, algorithm) = match ec {
            Ok(key) => (key, Algorithm::ES256),
            Err(_) => (EncodingKey::from_rsa_pem(text.as_bytes())?, Algorithm::RS256),
        };
        let mut jwk = Jwk::from_encoding_key(&encoding, algorithm)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_operations = Some(vec![KeyOperations::Verify]);
        Ok(Self { kid, algorithm, jws: JwsKey::new(&encoding, algorithm)?, jwk })
    }
}

/// Generates a P-256 key as PEM (PKCS #8, RFC 5958).
pub fn generate_key() -> Result<String, Error> {
    let pair =
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::Generate)?;
    let der = pair.to_pkcs8v1().map_err(|_| Error::Generate)?;
    Ok(pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref())))
}
