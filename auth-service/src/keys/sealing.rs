//! Sealed records: authenticated encryption with keys that are derived from the root keys of
//! `SECRETS_KEY_FILE`. State of anonymous requests is returned to the browser in this form instead
//! of being stored.

use std::path::Path;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

/// The PEM label of a root key.
const LABEL: &str = "SECRETS KEY";

/// The size of root and derived keys, in bytes.
const KEY_LEN: usize = 32;

/// The HKDF salt (RFC 5869 §3.1). It separates the keys of this program from those of others.
const SALT: &[u8] = b"mcp-oauth-gateway";

/// The error of loading or using root keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Read(String, #[source] std::io::Error),
    /// The file is not PEM.
    #[error("the file is not PEM")]
    Pem(#[from] pem::PemError),
    /// The file has no root key.
    #[error(
        "{0} has no PEM block \"SECRETS KEY\"; make one with `auth-service key generate --secrets`"
    )]
    Empty(String),
    /// A root key has the wrong size.
    #[error("a SECRETS KEY must have 32 bytes")]
    Size,
    /// The cryptographic library failed.
    #[error("key generation or encryption failed")]
    Crypto,
}

/// The root keys. The first one seals, and all of them open, so that a key can be rotated without
/// losing the records of the previous one.
pub struct RootKeys(Vec<Prk>);

impl RootKeys {
    /// Reads the root keys of a PEM file.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let (name, blocks) = blocks(file)?;
        let keys: Vec<_> = blocks.into_iter().filter(|block| block.tag() == LABEL).collect();
        if keys.is_empty() {
            return Err(Error::Empty(name));
        }
        if keys.iter().any(|key| key.contents().len() != KEY_LEN) {
            return Err(Error::Size);
        }
        Ok(Self::of(&keys))
    }

    /// Derives root keys from the private keys of `SIGNING_KEY_FILE`, for installations without a
    /// `SECRETS_KEY_FILE`. Removing a signing key makes the records that it sealed unreadable.
    pub fn from_signing_keys(file: &Path) -> Result<Self, Error> {
        let (_, blocks) = blocks(file)?;
        let keys: Vec<_> =
            blocks.into_iter().filter(|block| block.tag().ends_with("PRIVATE KEY")).collect();
        Ok(Self::of(&keys))
    }

    fn of(blocks: &[pem::Pem]) -> Self {
        let salt = Salt::new(HKDF_SHA256, SALT);
        Self(blocks.iter().map(|block| salt.extract(block.contents())).collect())
    }

    /// Returns the seal for the use `label`. A record that was sealed for one use does not open for
    /// another.
    pub fn seal(&self, label: &'static str) -> Result<Seal, Error> {
        let keys = self.0.iter().map(|root| {
            RandomizedNonceKey::new(&AES_256_GCM, &derived(root, label)?).map_err(|_| Error::Crypto)
        });
        Ok(Seal { keys: keys.collect::<Result<_, _>>()?, label })
    }

    /// Derives 32 bytes for the use `label` from the first root key.
    pub fn bytes(&self, label: &'static str) -> Result<[u8; KEY_LEN], Error> {
        derived(self.0.first().ok_or(Error::Crypto)?, label)
    }
}

/// The AES-256-GCM keys that seal and open the records of one use.
pub struct Seal {
    keys: Vec<RandomizedNonceKey>,
    label: &'static str,
}

impl Seal {
    /// Seals `record`. Returns base64url text.
    pub fn close<T: Serialize>(&self, record: &T) -> Result<String, Error> {
        let key = self.keys.first().ok_or(Error::Crypto)?;
        let mut bytes = serde_json::to_vec(record).map_err(|_| Error::Crypto)?;
        let aad = Aad::from(self.label.as_bytes());
        let nonce = key.seal_in_place_append_tag(aad, &mut bytes).map_err(|_| Error::Crypto)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &bytes].concat()))
    }

    /// Opens a result of [`Self::close`]. Returns `None` if it was altered, or sealed for another
    /// use or with an unknown key.
    #[must_use]
    pub fn open<T: DeserializeOwned>(&self, sealed: &str) -> Option<T> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        self.keys.iter().find_map(|key| {
            let mut bytes = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let aad = Aad::from(self.label.as_bytes());
            let opened = key.open_in_place(nonce, aad, &mut bytes).ok()?;
            serde_json::from_slice(opened).ok()
        })
    }
}

/// Generates a root key as PEM.
pub fn generate_root_key() -> Result<String, Error> {
    let mut key = [0; KEY_LEN];
    rand::fill(&mut key).map_err(|_| Error::Crypto)?;
    Ok(pem::encode(&pem::Pem::new(LABEL, key)))
}

fn blocks(file: &Path) -> Result<(String, Vec<pem::Pem>), Error> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Error::Read(name.clone(), error))?;
    Ok((name, pem::parse_many(text)?))
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

fn derived(root: &Prk, label: &str) -> Result<[u8; KEY_LEN], Error> {
    let mut bytes = [0; KEY_LEN];
    let info = [label.as_bytes()];
    let okm = root.expand(&info, Length).map_err(|_| Error::Crypto)?;
    okm.fill(&mut bytes).map_err(|_| Error::Crypto)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<RootKeys, Error> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secrets.pem");
        std::fs::write(&file, text).unwrap();
        RootKeys::load(&file)
    }

    #[test]
    fn a_record_opens_with_its_key_and_for_its_use_alone() {
        let text = generate_root_key().unwrap();
        let (keys, others) = (load(&text).unwrap(), load(&generate_root_key().unwrap()).unwrap());
        let seal = keys.seal("one").unwrap();
        let sealed = seal.close(&"record").unwrap();
        assert_eq!(seal.open::<String>(&sealed).as_deref(), Some("record"));
        assert_ne!(seal.close(&"record").unwrap(), sealed, "nonces differ");
        assert_eq!(keys.seal("two").unwrap().open::<String>(&sealed), None);
        assert_eq!(others.seal("one").unwrap().open::<String>(&sealed), None);
        for at in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(seal.open::<String>(&altered), None, "{at}");
        }
        for none in ["", "AAAA", "=", &sealed[1..]] {
            assert_eq!(seal.open::<String>(none), None, "{none}");
        }
    }

    #[test]
    fn a_new_key_goes_first_and_the_old_one_still_opens() {
        let (old, new) = (generate_root_key().unwrap(), generate_root_key().unwrap());
        let before = load(&old).unwrap().seal("x").unwrap().close(&1).unwrap();
        let both = load(&format!("{new}{old}")).unwrap();
        assert_eq!(both.seal("x").unwrap().open(&before), Some(1));
        let after = both.seal("x").unwrap().close(&2).unwrap();
        assert_eq!(load(&new).unwrap().seal("x").unwrap().open(&after), Some(2));
        assert_eq!(load(&old).unwrap().seal("x").unwrap().open::<i32>(&after), None);
    }

    #[test]
    fn a_file_without_a_root_key_is_refused() {
        assert!(matches!(load(""), Err(Error::Empty(_))));
        let short = pem::encode(&pem::Pem::new(LABEL, [0; 16]));
        assert!(matches!(load(&short), Err(Error::Size)));
    }
}
