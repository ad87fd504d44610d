//! Registrations, and the index that bounds them.

use super::{Error, Expiring, Key, Selection, Store, Ttl};
use crate::model::{Client, ClientId, Fingerprint, UnixTime};

impl Expiring for Client {
    fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }
}

/// Makes room in the index and takes it, all or nothing. What has ended goes first, then what would
/// end first; what never ends stays, and `false` says that there is no room.
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

/// Moves the end of a registration that is still there, which is in use from then on, and touches
/// nothing else of it: its client may be changing or deleting it at the same time. `expires_at` and
/// `unused` come before everything that the client chose, and quotes in texts are escaped, so that the first match is ours. An empty end is none.
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

/// Moves a registration in the index, if it is there.
const MOVE: &str = "#!lua flags=allow-oom
return redis.call('ZADD', KEYS[1], 'XX', ARGV[1], ARGV[2])
";

/// How many registrations may wait for somebody to consent, each of 5 KB at most. They have a pool
/// of their own, so that new ones cost those in use nothing.
const UNUSED: u32 = 4_096;

/// How often a change is tried while others change the same registration.
const CHANGES: usize = 32;

/// Replaces a record that is still as it was read.
const SWAP: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
";

/// Names a registration as the one for some metadata, unless another is named that the caller does
/// not know to be gone; answers which one it is.
const CLAIM: &str = r"
local named = redis.call('GET', KEYS[1])
if named and named ~= ARGV[3] then return named end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
";

impl Store {
    /// Stores a client that nobody registered; it does not count.
    pub async fn put_client(&self, client: &Client, now: UnixTime) -> Result<(), Error> {
        let ttl = client.expires_at.map_or(Ttl::Never, |end| Ttl::until(now, end));
        self.put(&Key::Client(&client.id), client, ttl).await
    }

    /// Stores a new registration, which nobody has consented to. The oldest of its kind makes room.
    pub async fn register_client(&self, client: &Client, now: UnixTime) -> Result<(), Error> {
        let pool = Key::UnusedClients;
        for id in self.admit(&pool, client.id.as_str(), UNUSED).await? {
            self.delete(&Key::Client(&ClientId::parsed(&id))).await?;
        }
        let stored = self.put_client(client, now).await;
        if stored.is_err() {
            self.leave(&pool, client.id.as_str()).await?;
        }
        stored
    }

    /// Puts a registration that somebody consents to into use until `end`, as one of at most `max`:
    /// the one that would end first makes room. `registration` is what it was if it has been evicted
    /// meanwhile. Returns `false` if it is gone, or all others are for ever.
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
            && !self.has_place(&Key::DeletedClients, id.as_str()).await?
        {
            let ttl = client.expires_at.map_or(Ttl::Never, |end| Ttl::until(now, end));
            self.put_new(&Key::Client(id), client, ttl).await?;
        }
        self.leave(&Key::UnusedClients, id.as_str()).await?;
        let there = self.renew_client(id, end, now).await?;
        if !there {
            self.leave(&Key::Clients, id.as_str()).await?;
        }
        Ok(there)
    }

    /// Takes a place in the index of registrations in use.
    async fn reserve_client(
        &self,
        id: &ClientId,
        end: Option<UnixTime>,
        (max, now): (u32, UnixTime),
    ) -> Result<bool, Error> {
        if self.has_place(&Key::Clients, id.as_str()).await? {
            return Ok(true);
        }
        let script = redis::Script::new(RESERVE);
        let mut call = script.prepare_invoke();
        call.key(Key::Clients.text()).arg(now.0).arg(max).arg(score(end));
        call.arg(id.as_str());
        let gone: Option<Vec<String>> = call.invoke_async(&mut self.pool.get().await?).await?;
        let Some(gone) = gone else { return Ok(false) };
        for id in gone {
            // As at its end: its grants cannot be refreshed any more.
            self.delete(&Key::Client(&ClientId::parsed(&id))).await?;
        }
        Ok(true)
    }

    /// Moves the end of a registration, `None` for ever; `false` when it is gone.
    pub async fn renew_client(
        &self,
        id: &ClientId,
        end: Option<UnixTime>,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let mut connection = self.pool.get().await?;
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

    /// Changes a registration by `change`, which may be asked more than once, and answers what has
    /// become of it; `None` when it is gone or `change` refuses. Its end stays as it is.
    pub async fn change_client(
        &self,
        id: &ClientId,
        now: UnixTime,
        change: impl Fn(Client) -> Option<Client>,
    ) -> Result<Option<Client>, Error> {
        let key = Key::Client(id).text();
        let script = redis::Script::new(SWAP);
        let mut connection = self.pool.get().await?;
        // Each turn more means that another change has been made.
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
            if call.invoke_async(&mut connection).await? {
                return Ok(Some(changed));
            }
        }
        Err(Error::Contended)
    }

    /// Names the registration `id` as the one for the metadata of `fingerprint`, for `seconds`,
    /// unless one other than `gone` is named; answers the one that is.
    pub async fn claim_registration(
        &self,
        fingerprint: &Fingerprint,
        (id, seconds): (&ClientId, u64),
        gone: Option<&ClientId>,
    ) -> Result<ClientId, Error> {
        let pool = Key::SameRegistrations;
        for gone in self.admit(&pool, fingerprint.as_str(), UNUSED).await? {
            self.delete(&Key::SameRegistration(&Fingerprint::parsed(&gone))).await?;
        }
        let script = redis::Script::new(CLAIM);
        let mut call = script.prepare_invoke();
        call.key(Key::SameRegistration(fingerprint).text()).arg(id.as_str()).arg(seconds);
        call.arg(gone.map_or("", ClientId::as_str));
        let named: String = call.invoke_async(&mut self.pool.get().await?).await?;
        Ok(ClientId::parsed(&named))
    }

    /// The registration that is named for the metadata of `fingerprint`.
    pub async fn same_registration(
        &self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<ClientId>, Error> {
        let mut command = redis::cmd("GET");
        command.arg(Key::SameRegistration(fingerprint).text());
        let named: Option<String> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(named.as_deref().map(ClientId::parsed))
    }

    /// The registration of `id`.
    pub async fn client(&self, id: &ClientId, now: UnixTime) -> Result<Option<Client>, Error> {
        self.read(&Key::Client(id), now).await
    }

    /// Stores a registration that is in use already, as one of at most `max`. Returns `false` if all
    /// others are for ever.
    pub async fn import_client(
        &self,
        client: &Client,
        max: u32,
        now: UnixTime,
    ) -> Result<bool, Error> {
        if !self.reserve_client(&client.id, client.expires_at, (max, now)).await? {
            return Ok(false);
        }
        let stored = self.put_client(client, now).await;
        if stored.is_err() {
            self.forget_client(&client.id).await?;
        }
        stored.map(|()| true)
    }

    /// Deletes a registration and all that was granted to it.
    pub async fn delete_client(&self, id: &ClientId, now: UnixTime) -> Result<(), Error> {
        self.delete_unused_client(id).await?;
        self.revoke(&Selection::Client(id.clone()), now).await?;
        Ok(())
    }

    /// Deletes a registration that nobody has consented to. It is remembered as deleted for as long
    /// as there is room, since it may be on an open consent page.
    pub async fn delete_unused_client(&self, id: &ClientId) -> Result<(), Error> {
        self.forget_client(id).await?;
        self.admit(&Key::DeletedClients, id.as_str(), UNUSED).await.map(drop)
    }

    /// Deletes a registration to which nothing was granted.
    pub async fn forget_client(&self, id: &ClientId) -> Result<(), Error> {
        self.delete(&Key::Client(id)).await?;
        self.leave(&Key::UnusedClients, id.as_str()).await?;
        self.leave(&Key::Clients, id.as_str()).await
    }
}

/// Where a registration stands in the index: by its end.
fn score(end: Option<UnixTime>) -> String {
    end.map_or_else(|| "+inf".to_owned(), |end| end.0.to_string())
}
