//! Client metadata documents and keys of clients, kept between fetches; assertions that were used.

use super::{Error, Expiring, Key, Store, Ttl};
use crate::model::{ClientId, DocumentRecord, Fingerprint, KeysRecord, UnixTime};

impl Expiring for DocumentRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

impl Expiring for KeysRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

/// How many documents are kept that nobody has consented to. A record has 5 KB at most.
const UNUSED_DOCUMENTS: u32 = 256;

/// How many assertions are remembered of clients that nobody has consented to.
const UNUSED_ASSERTIONS: u32 = 4_096;

/// How many documents are kept that somebody consented to.
const USED_DOCUMENTS: u32 = 2_048;

/// How many key sets are kept of clients that nobody has consented to. A record has 16 KB at most.
const UNUSED_KEYS: u32 = 64;

/// How many key sets are kept of clients that somebody consented to.
const USED_KEYS: u32 = 256;

impl Store {
    /// Keeps the keys that were fetched from `url`, of a client that is in use or not.
    pub async fn put_client_keys(
        &self,
        (url, in_use): (&Fingerprint, bool),
        record: &KeysRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        let pool = if in_use { (Key::UsedKeys, USED_KEYS) } else { (Key::UnusedKeys, UNUSED_KEYS) };
        for gone in self.admit(&pool.0, url.as_str(), pool.1).await? {
            self.delete(&Key::ClientKeys(&Fingerprint::parsed(&gone))).await?;
        }
        self.put(&Key::ClientKeys(url), record, Ttl::until(now, record.expires_at)).await
    }

    /// The keys that were fetched from `url`.
    pub async fn client_keys(
        &self,
        url: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<KeysRecord>, Error> {
        self.read(&Key::ClientKeys(url), now).await
    }

    /// Uses up an assertion that is good until `end`; of all callers, one gets `true`. Those of
    /// clients that are not in use have a pool, since anybody can register one and sign any number.
    pub async fn spend_assertion(
        &self,
        (jti, in_use): (&Fingerprint, bool),
        end: UnixTime,
        now: UnixTime,
    ) -> Result<bool, Error> {
        if !in_use {
            let pool = Key::UnusedAssertions;
            for gone in self.admit(&pool, jti.as_str(), UNUSED_ASSERTIONS).await? {
                self.delete(&Key::Assertion(&Fingerprint::parsed(&gone))).await?;
            }
        }
        self.put_new(&Key::Assertion(jti), &1, Ttl::until(now, end)).await
    }

    /// Keeps a client metadata document.
    pub async fn put_client_document(
        &self,
        url: &ClientId,
        record: &DocumentRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        let key = Fingerprint::of(url.as_str());
        let pool = if record.in_use {
            self.leave(&Key::UnusedDocuments, key.as_str()).await?;
            (Key::UsedDocuments, USED_DOCUMENTS)
        } else {
            (Key::UnusedDocuments, UNUSED_DOCUMENTS)
        };
        for gone in self.admit(&pool.0, key.as_str(), pool.1).await? {
            self.delete(&Key::ClientDocument(&Fingerprint::parsed(&gone))).await?;
        }
        self.put(&Key::ClientDocument(&key), record, Ttl::until(now, record.expires_at)).await
    }

    /// The client metadata document that was fetched from `url`.
    pub async fn client_document(
        &self,
        url: &ClientId,
        now: UnixTime,
    ) -> Result<Option<DocumentRecord>, Error> {
        self.read(&Key::ClientDocument(&Fingerprint::of(url.as_str())), now).await
    }
}
