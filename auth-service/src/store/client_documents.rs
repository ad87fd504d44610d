//! Client metadata documents, kept between fetches.

use super::{Error, Expiring, Key, Store, Ttl};
use crate::model::{ClientId, DocumentRecord, Fingerprint, UnixTime};

impl Expiring for DocumentRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

impl Store {
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
