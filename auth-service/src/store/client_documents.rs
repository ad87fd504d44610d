//! Caches of client metadata documents and client key sets, and replay detection for assertions.

use super::{AuditEntry, ClientRecords, Error, Key, Ttl};
use crate::model::{ClientId, DocumentRecord, Fingerprint, KeysRecord, UnixTime};

/// The maximum number of cached documents of clients without consents, of at most 5 KB each.
const UNUSED_DOCUMENTS: u32 = 256;

/// The maximum number of replay markers for assertions of clients without consents.
const UNUSED_ASSERTIONS: u32 = 4_096;

/// The maximum number of cached documents of clients in use.
const USED_DOCUMENTS: u32 = 2_048;

/// The maximum number of cached key sets of clients without consents, of at most 16 KB each.
const UNUSED_KEYS: u32 = 64;

/// The maximum number of cached key sets of clients in use.
const USED_KEYS: u32 = 256;

impl ClientRecords {
    /// Caches the key set that was fetched from `url`. The flag is `true` for a client in use.
    pub async fn put_client_keys(
        &self,
        (url, in_use): (&Fingerprint, bool),
        record: &KeysRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        let pool = if in_use { (Key::UsedKeys, USED_KEYS) } else { (Key::UnusedKeys, UNUSED_KEYS) };
        for gone in self.records.admit(&pool.0, url.as_str(), pool.1).await? {
            self.records.delete(&Key::ClientKeys(&Fingerprint::parsed(&gone))).await?;
        }
        self.records.put(&Key::ClientKeys(url), record, Ttl::until(now, record.expires_at)).await
    }

    /// Reads the cached key set of `url`.
    pub async fn client_keys(
        &self,
        url: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<KeysRecord>, Error> {
        self.records.read(&Key::ClientKeys(url), now).await
    }

    /// Marks an assertion that expires at `end` as used. Returns `true` for the first caller only.
    /// Anybody can register a client and sign any number of assertions. So a pool bounds the
    /// markers of clients that are not in use.
    pub async fn spend_assertion(
        &self,
        (jti, in_use): (&Fingerprint, bool),
        end: UnixTime,
        now: UnixTime,
    ) -> Result<bool, Error> {
        if !in_use {
            let pool = Key::UnusedAssertions;
            for gone in self.records.admit(&pool, jti.as_str(), UNUSED_ASSERTIONS).await? {
                self.records.delete(&Key::Assertion(&Fingerprint::parsed(&gone))).await?;
            }
        }
        self.records.put_new(&Key::Assertion(jti), &1, Ttl::until(now, end)).await
    }

    /// Caches a client metadata document in the pool for clients in use or the one for others, with the event
    /// of a change.
    pub async fn put_client_document(
        &self,
        url: &ClientId,
        record: &DocumentRecord,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let key = Fingerprint::of(url.as_str());
        let pool = if record.in_use {
            self.records.leave(&Key::UnusedDocuments, key.as_str()).await?;
            (Key::UsedDocuments, USED_DOCUMENTS)
        } else {
            (Key::UnusedDocuments, UNUSED_DOCUMENTS)
        };
        for gone in self.records.admit(&pool.0, key.as_str(), pool.1).await? {
            self.records.delete(&Key::ClientDocument(&Fingerprint::parsed(&gone))).await?;
        }
        let (key, ttl) = (Key::ClientDocument(&key), Ttl::until(now, record.expires_at));
        let posting = self.records.announce(&key.text(), entry).await?;
        self.records.put_posting(&key, record, ttl, &posting).await
    }

    /// Reads the cached client metadata document of `url`.
    pub async fn client_document(
        &self,
        url: &ClientId,
        now: UnixTime,
    ) -> Result<Option<DocumentRecord>, Error> {
        self.records.read(&Key::ClientDocument(&Fingerprint::of(url.as_str())), now).await
    }
}
