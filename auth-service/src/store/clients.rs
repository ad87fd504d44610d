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

/// Moves the end of a registration that is still there, and touches nothing else of it: its client may
/// be changing or deleting it at the same time. `expires_at` comes before everything that the client
/// chose, and quotes in texts are escaped, so that the first match is ours.
const RENEW: &str = r#"
local client = redis.call('GET', KEYS[1])
if not client then return 0 end
client = string.gsub(client, '"expires_at":%d+', '"expires_at":' .. ARGV[1], 1)
redis.call('SET', KEYS[1], client, 'EX', ARGV[2])
return 1
"#;

impl Store {
    /// Stores a new registration.
    pub async fn put_client(&self, client: &Client, now: UnixTime) -> Result<(), Error> {
        let ttl = client.expires_at.map_or(Ttl::Never, |end| Ttl::until(now, end));
        self.put(&Key::Client(&client.id), client, ttl).await
    }

    /// Moves the end of a registration; `false` when it is gone.
    pub async fn renew_client(
        &self,
        id: &ClientId,
        end: UnixTime,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let script = redis::Script::new(RENEW);
        let mut call = script.prepare_invoke();
        call.key(Key::Client(id).to_string()).arg(end.0).arg(now.until(end).as_secs().max(1));
        Ok(call.invoke_async(&mut self.pool.get().await?).await?)
    }

    /// Replaces a registration; `false` when it is gone.
    pub async fn replace_client(&self, client: &Client, now: UnixTime) -> Result<bool, Error> {
        let mut command = redis::cmd("SET");
        command.arg(Key::Client(&client.id).to_string()).arg(serde_json::to_string(client)?);
        command.arg("XX");
        let ttl = client.expires_at.map_or(Ttl::Never, |end| Ttl::until(now, end));
        ttl.add_to(&mut command);
        let done: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(done.is_some())
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
