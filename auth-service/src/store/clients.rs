//! Registrations.

use super::{Error, Expiring, Key, Selection, Store, Ttl};
use crate::model::{Client, ClientId, DocumentRecord, Fingerprint, UnixTime};

impl Expiring for Client {
    fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }
}

impl Expiring for DocumentRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

impl Store {
    /// Stores a registration, new or renewed.
    pub async fn put_client(&self, client: &Client, now: UnixTime) -> Result<(), Error> {
        let ttl = client.expires_at.map_or(Ttl::Never, |end| Ttl::until(now, end));
        self.put(&Key::Client(&client.id), client, ttl).await
    }

    /// The registration of `id`.
    pub async fn client(&self, id: &ClientId, now: UnixTime) -> Result<Option<Client>, Error> {
        self.read(&Key::Client(id), now).await
    }

    /// Deletes a registration and all that was granted to it.
    pub async fn delete_client(&self, id: &ClientId, now: UnixTime) -> Result<(), Error> {
        self.delete(&Key::Client(id)).await?;
        self.revoke(&Selection::Client(id.clone()), now).await?;
        Ok(())
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
