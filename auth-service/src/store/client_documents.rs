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

impl Store {
    /// Keeps the keys that were fetched from `url`.
    pub async fn put_client_keys(
        &self,
        url: &Fingerprint,
        record: &KeysRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
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

    /// Uses up an assertion that is good until `end`; of all callers, one gets `true`.
    pub async fn spend_assertion(
        &self,
        jti: &Fingerprint,
        end: UnixTime,
        now: UnixTime,
    ) -> Result<bool, Error> {
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
