//! Client registrations, and the index that bounds their number.

use super::{AuditEntry, ClientRecords, Error, Key, Ttl, audit::outbox::post};
use crate::model::{Client, ClientId, Fingerprint, UnixTime};

/// Reserves a place in the index and evicts registrations for it, all or nothing. Expired ones are
/// evicted first, then those that expire next. Registrations without expiry are never evicted.
/// Returns the evicted ids, or `false` if the index is full.
const RESERVE: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
local gone = {}
local excess = redis.call('ZCARD', KEYS[1]) + 1 - ARGV[2]
if excess > 0 then
    local first = redis.call('ZRANGE', KEYS[1], 0, excess - 1, 'WITHSCORES')
    for i = 2, #first, 2 do
        if first[i] == 'inf' then return false end
    end
    for i = 1, #first, 2 do
        redis.call('ZREM', KEYS[1], first[i])
        table.insert(gone, first[i])
    end
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
return gone
";

/// Changes the expiry of an existing registration and marks it as in use. Leaves the other fields
/// alone, because the client may be changing or deleting its registration concurrently. Replaces
/// the first match of a pattern: `expires_at` and `unused` precede all values that the client
/// chose, and quotes in those are escaped. An empty `ARGV[1]` removes the expiry.
const RENEW: &str = r#"#!lua flags=allow-oom
local client = redis.call('GET', KEYS[1])
if not client then return 0 end
client = string.gsub(client, '"unused":true,', '', 1)
if ARGV[1] == '' then
    client = string.gsub(client, '"expires_at":%d+,', '', 1)
    redis.call('SET', KEYS[1], client)
else
    client = string.gsub(client, '"expires_at":%d+', '"expires_at":' .. ARGV[1], 1)
    redis.call('SET', KEYS[1], client, 'EX', ARGV[2])
end
return 1
"#;

/// Updates the score of a registration in the index, if the index contains it.
const MOVE: &str = "#!lua flags=allow-oom
return redis.call('ZADD', KEYS[1], 'XX', ARGV[1], ARGV[2])
";

/// The maximum number of unused registrations (without any consent so far), of at most 5 KB each.
/// They have a separate pool, so that new registrations never evict those in use.
const UNUSED: u32 = 4_096;

/// The maximum number of compare-and-swap attempts to change a registration.
const CHANGES: usize = 32;

/// Replaces a record if it is unchanged since it was read (compare-and-swap). Keeps its TTL.
const SWAP: &str = concat!(
    "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')",
    post!(),
    "return 1
"
);

/// Assigns a registration to its metadata, unless another one is assigned already. The caller may
/// name one that is gone, which is replaced. Returns the assigned registration.
const CLAIM: &str = r"
local named = redis.call('GET', KEYS[1])
if named and named ~= ARGV[3] then return named end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
";

impl ClientRecords {
    /// Stores a client record with its event, without a place in a pool. A client that the operator registered
    /// gets an entry in their index.
    pub async fn put_client(
        &self,
        client: &Client,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        if client.preregistered {
            let mut command = redis::cmd("ZADD");
            command
                .arg(Key::OperatorClients.text())
                .arg(client.issued_at.0)
                .arg(client.id.as_str());
            let () = command.query_async(&mut self.records.pool.get().await?).await?;
        }
        let ttl = client.expires_at.map_or(Ttl::Never, |end| Ttl::until(now, end));
        let key = Key::Client(&client.id);
        let posting = self.records.announce(&key.text(), entry).await?;
        self.records.put_posting(&key, client, ttl, &posting).await
    }

    /// Stores a new registration with its event, in the pool of unused ones. Evicts the oldest if the pool is
    /// full.
    pub async fn register_client(
        &self,
        client: &Client,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let pool = Key::UnusedClients;
        for id in self.records.admit(&pool, client.id.as_str(), UNUSED).await? {
            self.records.delete(&Key::Client(&ClientId::parsed(&id))).await?;
        }
        let stored = self.put_client(client, now, entry).await;
        if stored.is_err() {
            self.records.leave(&pool, client.id.as_str()).await?;
        }
        stored
    }

    /// Puts a registration into use until `end`, because a person consents to it. At most `max`
    /// are in use; the one that expires next is evicted. `registration` restores the record if it
    /// was evicted meanwhile. Returns `false` if it is gone, or if all others never expire.
    pub async fn use_client(
        &self,
        (id, registration): (&ClientId, Option<&Client>),
        end: Option<UnixTime>,
        (max, now): (u32, UnixTime),
    ) -> Result<bool, Error> {
        if !self.reserve_client(id, end, (max, now)).await? {
            return Ok(false);
        }
        if let Some(client) = registration
            && !self.records.has_place(&Key::DeletedClients, id.as_str()).await?
        {
            let ttl = client.expires_at.map_or(Ttl::Never, |end| Ttl::until(now, end));
            self.records.put_new(&Key::Client(id), client, ttl).await?;
        }
        self.records.leave(&Key::UnusedClients, id.as_str()).await?;
        let there = self.renew_client(id, end, now).await?;
        if !there {
            self.records.leave(&Key::Clients, id.as_str()).await?;
        }
        Ok(there)
    }

    /// Reserves a place in the index of registrations in use. Returns `false` if there is none.
    async fn reserve_client(
        &self,
        id: &ClientId,
        end: Option<UnixTime>,
        (max, now): (u32, UnixTime),
    ) -> Result<bool, Error> {
        if self.records.has_place(&Key::Clients, id.as_str()).await? {
            return Ok(true);
        }
        let script = redis::Script::new(RESERVE);
        let mut call = script.prepare_invoke();
        call.key(Key::Clients.text()).arg(now.0).arg(max).arg(score(end));
        call.arg(id.as_str());
        let gone: Option<Vec<String>> =
            call.invoke_async(&mut self.records.pool.get().await?).await?;
        let Some(gone) = gone else { return Ok(false) };
        for id in gone {
            // Eviction works like expiry: the client's grants can no longer be refreshed.
            self.records.delete(&Key::Client(&ClientId::parsed(&id))).await?;
        }
        Ok(true)
    }

    /// Changes the expiry of a registration; `None` means that it never expires. Returns `false` if
    /// the registration is gone.
    pub async fn renew_client(
        &self,
        id: &ClientId,
        end: Option<UnixTime>,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let mut connection = self.records.pool.get().await?;
        let script = redis::Script::new(RENEW);
        let mut call = script.prepare_invoke();
        call.key(Key::Client(id).text());
        call.arg(end.map_or_else(String::new, |end| end.0.to_string()));
        call.arg(end.map_or(1, |end| now.until(end).as_secs().max(1)));
        let there: bool = call.invoke_async(&mut connection).await?;
        if there {
            let script = redis::Script::new(MOVE);
            let mut call = script.prepare_invoke();
            call.key(Key::Clients.text()).arg(score(end)).arg(id.as_str());
            let () = call.invoke_async(&mut connection).await?;
        }
        Ok(there)
    }

    /// Changes a registration with `change`, which may be called more than once, with its event. Keeps the
    /// expiry. Returns the new registration, or `None` if it is gone or `change` returned `None`.
    pub async fn change_client(
        &self,
        id: &ClientId,
        now: UnixTime,
        change: impl Fn(Client) -> Option<Client>,
        entry: Option<&AuditEntry>,
    ) -> Result<Option<Client>, Error> {
        let key = Key::Client(id).text();
        let posting = self.records.announce(&key, entry).await?;
        let script = redis::Script::new(SWAP);
        let mut connection = self.records.pool.get().await?;
        // Each further iteration means that a concurrent change succeeded.
        for _ in 0..CHANGES {
            let text: Option<String> =
                redis::cmd("GET").arg(&key).query_async(&mut connection).await?;
            let Some(text) = text else { return Ok(None) };
            let client: Client = serde_json::from_str(&text)?;
            if client.expires_at.is_some_and(|end| end <= now) {
                return Ok(None);
            }
            let Some(changed) = change(client) else { return Ok(None) };
            let mut call = script.prepare_invoke();
            call.key(&key).arg(text).arg(serde_json::to_string(&changed)?);
            posting.add_to(&mut call);
            if call.invoke_async(&mut connection).await? {
                return Ok(Some(changed));
            }
        }
        Err(Error::Contended)
    }

    /// Assigns the registration `id` to the metadata of `fingerprint` for `seconds`, unless one
    /// other than `gone` is assigned already. Returns the assigned registration.
    pub async fn claim_registration(
        &self,
        fingerprint: &Fingerprint,
        (id, seconds): (&ClientId, u64),
        gone: Option<&ClientId>,
    ) -> Result<ClientId, Error> {
        let pool = Key::SameRegistrations;
        for gone in self.records.admit(&pool, fingerprint.as_str(), UNUSED).await? {
            self.records.delete(&Key::SameRegistration(&Fingerprint::parsed(&gone))).await?;
        }
        let script = redis::Script::new(CLAIM);
        let mut call = script.prepare_invoke();
        call.key(Key::SameRegistration(fingerprint).text()).arg(id.as_str()).arg(seconds);
        call.arg(gone.map_or("", ClientId::as_str));
        let named: String = call.invoke_async(&mut self.records.pool.get().await?).await?;
        Ok(ClientId::parsed(&named))
    }

    /// Reads the registration that is assigned to the metadata of `fingerprint`.
    pub async fn same_registration(
        &self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<ClientId>, Error> {
        let mut command = redis::cmd("GET");
        command.arg(Key::SameRegistration(fingerprint).text());
        let named: Option<String> =
            command.query_async(&mut self.records.pool.get().await?).await?;
        Ok(named.as_deref().map(ClientId::parsed))
    }

    /// Reads the registration of `id`. Returns `None` if it has expired or was deleted.
    pub async fn client(&self, id: &ClientId, now: UnixTime) -> Result<Option<Client>, Error> {
        self.records.read(&Key::Client(id), now).await
    }

    /// Stores a registration that is in use already, as one of at most `max`. Returns `false` if
    /// the index is full and no other registration ever expires.
    pub async fn import_client(
        &self,
        client: &Client,
        max: u32,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        if !self.reserve_client(&client.id, client.expires_at, (max, now)).await? {
            return Ok(false);
        }
        let stored = self.put_client(client, now, entry).await;
        if stored.is_err() {
            self.forget_client(&client.id, None).await?;
        }
        stored.map(|()| true)
    }

    /// Deletes an unused registration with its event. Records the deletion in a bounded pool, because an open
    /// consent page may still refer to the registration and would restore it.
    pub async fn delete_unused_client(
        &self,
        id: &ClientId,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        self.forget_client(id, entry).await?;
        self.records.admit(&Key::DeletedClients, id.as_str(), UNUSED).await.map(drop)
    }

    /// Deletes a registration that has no grants, with its event.
    pub async fn forget_client(
        &self,
        id: &ClientId,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        self.records.delete_with(&Key::Client(id), entry).await?;
        self.records.leave(&Key::UnusedClients, id.as_str()).await?;
        self.records.leave(&Key::OperatorClients, id.as_str()).await?;
        self.records.leave(&Key::Clients, id.as_str()).await
    }
}

/// Returns the score of a registration in the index: its expiry, or `+inf`.
fn score(end: Option<UnixTime>) -> String {
    end.map_or_else(|| "+inf".to_owned(), |end| end.0.to_string())
}
