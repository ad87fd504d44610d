//! Grants and the access tokens issued under them.

use std::sync::atomic::Ordering::SeqCst;

use super::{
    AuditEntry, Error, GrantRecords, Key, LivenessEntry, Ttl, audit::outbox::post,
    generations::Affiliation, liveness_lookups::Question, revocation_tracker::RevocationTracker,
};
use crate::model::{
    AccessRecord, AuthorizationRequest, ClientId, Generation, Grant, Identifier, UnixTime, User,
};

/// Stores the record of an access token and its entry in the index of its grant, even when Redis is
/// full. Removes the entries of tokens that have expired.
const PUT_ACCESS: &str = concat!(
    "#!lua flags=allow-oom
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[5])
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('EXPIRE', KEYS[1], ARGV[2])
end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])",
    post!(),
    "return 1
"
);

/// The claims of an access token about its grant.
pub struct TokenClaims<'a> {
    /// The grant of the token.
    pub grant: Identifier,
    /// The `jti` of the token.
    pub jti: Identifier,
    /// The subject of the person, or of the client that acts for itself.
    pub subject: &'a str,
    /// The login name.
    pub name: &'a str,
    /// The client that the token was issued to.
    pub client: ClientId,
}

impl GrantRecords {
    /// Returns the current generation, for what is granted from now on. Read it before the consent and
    /// everything else that the grant rests on is checked, so that a concurrent revocation ends the grant.
    pub async fn generation(&self) -> Result<Generation, Error> {
        self.records.generation().await
    }

    /// Returns `true` unless `request` was revoked since `generation`, for `user` if they are known by now.
    pub async fn stands(
        &self,
        generation: Generation,
        user: Option<&User>,
        request: &AuthorizationRequest,
    ) -> Result<bool, Error> {
        let of = Affiliation::of_request(user, request);
        Ok(!self.records.are_revoked(of, generation, None).await?)
    }

    /// Reads the grant of `id`. Returns `None` if it has expired or was revoked.
    pub async fn grant(&self, id: &Identifier, now: UnixTime) -> Result<Option<Grant>, Error> {
        self.records.read_live(&Key::Grant(id), now).await
    }

    /// Stores a new grant until its expiry, with its event.
    pub async fn put_grant(
        &self,
        grant: &Grant,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let (sample, posting) = self.records.index_grant(grant, entry).await?;
        let (key, ttl) = (Key::Grant(&grant.id), Ttl::until(now, grant.expires_at));
        self.records.put_posting(&key, grant, ttl, &posting).await?;
        self.records.trim(sample, now).await;
        Ok(())
    }

    /// Extends an existing grant, with the event of the refresh. Returns `false` if it was revoked meanwhile:
    /// `XX` prevents a concurrent refresh from restoring a revoked grant.
    pub async fn extend_grant(
        &self,
        grant: &Grant,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        let (key, ttl) = (Key::Grant(&grant.id).text(), Ttl::until(now, grant.expires_at));
        let posting = self.records.announce(&key, entry).await?;
        let before = self.records.put_essential_if("XX", &key, (grant, ttl), Some(&posting));
        Ok(before.await?.is_some())
    }

    /// Revokes a grant and thereby all its tokens, with its event, and notifies the proxies. Returns `true`
    /// if the grant existed. Otherwise there is no event.
    pub async fn revoke_grant(
        &self,
        id: &Identifier,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        Ok(self.records.remove_grants(std::slice::from_ref(id), entry).await? > 0)
    }

    /// Stores the record of an issued access token, with its event.
    pub async fn put_access(
        &self,
        record: &AccessRecord,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let posting = self.records.announce(&Key::Grant(&record.grant).text(), entry).await?;
        let script = redis::Script::new(PUT_ACCESS);
        let mut call = script.prepare_invoke();
        call.key(Key::Tokens(&record.grant).text());
        call.key(Key::Access(&record.grant, &record.jti).text());
        call.arg(serde_json::to_string(record)?).arg(Ttl::until(now, record.expires_at).seconds());
        call.arg(record.expires_at.0).arg(now.0).arg(record.jti.as_str());
        posting.add_to(&mut call);
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }

    /// Revokes one access token, with its event, and notifies the proxies. Returns `true` if the token existed.
    pub async fn revoke_access(
        &self,
        grant: &Identifier,
        jti: &Identifier,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        self.records.remove_access(grant, jti, entry).await
    }

    /// Returns `true` if the access token and its grant both exist, and the grant is not revoked. Always
    /// queries Redis.
    pub async fn is_live(&self, grant: Identifier, jti: Identifier) -> Result<bool, Error> {
        let question = Question { grant, jti, checked: None };
        Ok(self.records.lookups.ask(question).await?.is_some())
    }

    /// Creates a liveness entry for an access token, to pass to [`GrantRecords::is_still_live`].
    #[must_use]
    pub fn liveness(&self, grant: &Identifier, jti: &Identifier) -> LivenessEntry {
        self.records.tracker.liveness(grant, jti)
    }

    /// Returns `true` if the access token of a liveness entry and its grant both exist, and the grant is
    /// not revoked. Queries Redis only if the entry is not known to be valid.
    pub async fn is_still_live<'a>(
        &self,
        token: &LivenessEntry,
        claims: impl Fn() -> TokenClaims<'a>,
    ) -> Result<bool, Error> {
        let tracker = &self.records.tracker;
        if tracker.is_known_live(token, || generations(&claims())) {
            return Ok(true);
        }
        let moment = tracker.lookup_time();
        let TokenClaims { grant, jti, .. } = claims();
        // Only if the result is not cached: while a revocation is under way, the counter may be that of the
        // latest look already.
        let checked = match moment {
            None => token.checked.load(SeqCst).checked_sub(1),
            Some(_) => None,
        };
        let answer = self.records.lookups.ask(Question { grant, jti, checked }).await?;
        if let Some(live) = &answer {
            token.checked.store(live.counter.0.saturating_add(1), SeqCst);
            if let Some(servers) = &live.servers {
                tracker.note_servers(token, servers);
            }
        }
        RevocationTracker::confirm(token, moment.filter(|_| answer.is_some()));
        Ok(answer.is_some())
    }
}

/// Returns the keys of the generations of the person and the client that a token names.
fn generations(token: &TokenClaims<'_>) -> Vec<String> {
    let user = User { subject: token.subject.into(), name: token.name.into(), email: None };
    Affiliation { user: Some(&user), client: Some(&token.client), resources: &[] }.keys(true)
}
