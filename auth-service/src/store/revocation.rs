//! Revocation of grants, and of all records that could become a grant. It takes constant time: the
//! selected people, clients or servers get a new generation. Their records are deleted afterwards, through
//! the indexes.

use redis::Script;
use tokio::time::{Instant, sleep_until};

use super::{
    AuditEntry, Error, Maintenance,
    audit::outbox::{Posting, post},
    key::Key,
    sweep::{Pace, Swept},
    target::Target,
    tracking::INVALIDATION_LEASE,
};
use crate::model::{ClientId, Identifier, ResourceUri, UnixTime};

/// The lifetime of a generation in seconds. Everything of an earlier one has been deleted long before: a
/// revoked record is neither used nor extended.
const LIFE: u32 = 400 * 86_400;

/// Takes the next generation.
const NEXT: &str = r"#!lua flags=allow-oom
return redis.call('INCR', KEYS[1])
";

/// Adds a revocation to the queue.
const QUEUE: &str = r"#!lua flags=allow-oom
return redis.call('ZADD', KEYS[1], 'GT', ARGV[1], ARGV[2])
";

/// Raises a number, unless it is higher. Two revocations at once may arrive in either order.
const RAISE: &str = concat!(
    "#!lua flags=allow-oom
local now = redis.call('GET', KEYS[1])
if not now or tonumber(now) < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end",
    post!(),
    "return 1
"
);

/// The selection of records to revoke.
#[derive(Clone, Debug)]
pub enum Selection {
    /// All grants and logins of a person, by subject or login name.
    User(String),
    /// All grants of a client.
    Client(ClientId),
    /// All grants that a person gave to one client.
    UserAtClient(String, ClientId),
    /// One grant, by its id.
    Grant(Identifier),
    /// One access token, by its `jti`.
    Jti(Identifier),
    /// All grants that include access to this server.
    Server(ResourceUri),
    /// All grants from before this time, and all logins, consents, codes and pending requests of
    /// any age.
    Before(UnixTime),
    /// All grants and all other revocable records.
    All,
}

/// The result of a revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The number of deleted grants, or of access tokens if one was selected.
    pub grants: usize,
    /// The number of deleted logins, consents, codes and pending requests.
    pub beside: usize,
    /// The number of records that cannot be decoded. They were not deleted, but grant nothing.
    pub unreadable: usize,
    /// The number of index entries whose records remain to be deleted in the background. All of these
    /// records are revoked already.
    pub left: usize,
}

impl Maintenance {
    /// Revokes the selected records, with its event. When it returns, no instance accepts them. Deletes as many
    /// of them as there is time for; a running instance deletes the others.
    pub async fn revoke(
        &self,
        what: &Selection,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<Ended, Error> {
        let target = match what {
            Selection::Grant(id) => {
                return Box::pin(revoke_one(self.grants.revoke_grant(id, entry))).await;
            }
            Selection::Jti(jti) => return Box::pin(revoke_one(self.revoke_jti(jti, entry))).await,
            Selection::User(name) => Target::User(name.clone()),
            Selection::Client(id) => Target::Client(id.clone()),
            Selection::UserAtClient(name, id) => Target::Pair(name.clone(), id.clone()),
            Selection::Server(resource) => Target::Server(resource.clone()),
            // A time to come would end what is granted until then, too.
            Selection::Before(moment) if *moment > now => Target::All,
            Selection::Before(moment) => Target::Before(*moment),
            Selection::All => Target::All,
        };
        // Boxed, as below, to keep the futures of the callers small.
        let generation = Box::pin(self.raise(&target, entry)).await?;
        let deadline = end_of_leases();
        let swept = Box::pin(self.records.sweep(&target, generation, Pace::until(deadline))).await;
        sleep_until(deadline).await;
        let Swept { grants, others, unreadable, is_done } = swept?;
        let left = if is_done { 0 } else { Box::pin(self.records.entries_of(&target)).await? };
        Ok(Ended { grants, beside: others, unreadable, left })
    }

    /// Revokes the access token of `jti`, with its event.
    async fn revoke_jti(
        &self,
        jti: &Identifier,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        if let Some(grant) = jti.grant_of_token() {
            return self.records.remove_access(&grant, jti, entry).await;
        }
        let mut command = redis::cmd("GET");
        command.arg(Key::GrantOfToken(jti).text());
        let grant: Option<String> =
            command.query_async(&mut self.records.pool.get().await?).await?;
        match grant {
            Some(grant) => {
                self.records.remove_access(&Identifier::parsed(&grant), jti, entry).await
            }
            None => Ok(false),
        }
    }

    /// Gives `target` the next generation, and posts the event with the first key of the target. All writes go
    /// over one connection.
    async fn raise(&self, target: &Target, entry: Option<&AuditEntry>) -> Result<u64, Error> {
        let first = target.generations(0).into_iter().next().map(|(key, _)| key);
        let first = first.unwrap_or_default();
        let posting = self.records.announce(&first, entry).await?;
        let mut connection = self.records.pool.get().await?;
        let script = Script::new(NEXT);
        let mut call = script.prepare_invoke();
        let generation: u64 =
            call.key(Key::Generation.text()).invoke_async(&mut connection).await?;
        // The deletion is queued first: without a revocation it finds nothing to delete.
        let script = Script::new(QUEUE);
        let mut call = script.prepare_invoke();
        call.key(Key::Sweeps.text()).arg(generation).arg(target.name());
        let () = call.invoke_async(&mut connection).await?;
        for (key, value) in target.generations(generation) {
            let script = Script::new(RAISE);
            let mut call = script.prepare_invoke();
            call.key(&key).arg(value).arg(LIFE);
            let none = Posting::accepted(&key, None, true);
            if key == first { &posting } else { &none }.add_to(&mut call);
            let () = call.invoke_async(&mut connection).await?;
            // Redis sends this invalidation as well, but it must take effect before the caller
            // continues.
            self.records.tracker.changed(key.as_bytes());
        }
        // Whoever has looked at the generations before they were all raised looks again.
        let script = Script::new(NEXT);
        let mut call = script.prepare_invoke();
        let _later: u64 = call.key(Key::Generation.text()).invoke_async(&mut connection).await?;
        Ok(generation)
    }

    /// Deletes a registration and revokes all its grants. There is one event of each.
    pub async fn delete_client(
        &self,
        id: &ClientId,
        now: UnixTime,
        (revoked, deleted): (Option<&AuditEntry>, Option<&AuditEntry>),
    ) -> Result<(), Error> {
        // Before the deletion, because a client that is deleted cannot repeat a request that failed.
        Box::pin(self.raise(&Target::Client(id.clone()), revoked)).await?;
        self.clients.delete_unused_client(id, deleted).await?;
        // Once more, because of consents that were given in between.
        Box::pin(self.revoke(&Selection::Client(id.clone()), now, None)).await?;
        Ok(())
    }
}

async fn revoke_one(removal: impl Future<Output = Result<bool, Error>>) -> Result<Ended, Error> {
    let removed = everywhere(removal).await?;
    Ok(Ended { grants: usize::from(removed), ..Ended::default() })
}

/// Completes `removal` of grants or access tokens. When it returns a result, no instance accepts them. An
/// error is returned at once.
pub async fn everywhere<T, E>(removal: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let removed = removal.await?;
    sleep_until(end_of_leases()).await;
    Ok(removed)
}

/// Returns the time at which every instance has noticed a revocation that was completed before this call.
/// Others receive the invalidation at about the same time. One whose connection drops it silently loses its
/// lease by then.
fn end_of_leases() -> Instant {
    Instant::now() + INVALIDATION_LEASE
}
