//! Single-use authorization codes. A second redemption is rejected. It also revokes the grant of
//! the first one, unless it follows within seconds.

use std::time::Duration;

use redis::Script;

use super::{AuditEntry, Error, GrantRecords, Key, audit::outbox::post, generations::Revocable};
use crate::model::{AuthorizationCode, CodeRecord, Generation, Grant, Identifier, UnixTime};

/// Stores the time and number of the redemption and the grant atomically. Otherwise, a replay between the two
/// writes would find no grant to revoke. Returns the time of an earlier redemption, if there was
/// one.
const REDEEM: &str = concat!(
    "
local first = redis.call('SET', KEYS[1], ARGV[4], 'NX', 'GET', 'EX', ARGV[3])
if first then return first end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])",
    post!(),
    "return false
"
);

/// Takes a redemption back, if it is the one with this number.
const UNDO: &str = concat!(
    "#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end",
    post!(),
    "return redis.call('DEL', KEYS[1], KEYS[2])
"
);

/// The time in which a second redemption counts as a retry of a client that lost the first
/// response. The caller has proven possession of the PKCE verifier, which a thief of the code
/// lacks.
const RETRY: Duration = Duration::from_secs(10);

/// The events of a redemption, of which one is written.
#[derive(Debug, Default)]
pub struct RedemptionEntries {
    /// The grant was made.
    pub granted: Option<AuditEntry>,
    /// The code was presented again, and its grant is revoked.
    pub replayed: Option<AuditEntry>,
    /// The grant was revoked right after it was made, because its code was revoked concurrently.
    pub revoked: Option<AuditEntry>,
}

/// The result of redeeming a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// The code was redeemed, and its grant is active.
    Granted,
    /// The code was redeemed within [`RETRY`]. The grant of that redemption stays active.
    Repeated,
    /// The code was redeemed earlier. The grant of that redemption is now revoked.
    Replayed,
    /// The code was redeemed earlier. The grant of that redemption has ended before.
    ReplayedLater,
    /// The code was revoked concurrently, and so was the grant.
    Revoked,
}

impl GrantRecords {
    /// Stores the record of `code` until its expiry, with the event of the consent.
    pub async fn put_code(
        &self,
        code: &AuthorizationCode,
        record: &CodeRecord,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let key = Key::Code(&code.fingerprint());
        self.records.put_live(&key, record, (now, record.expires_at), entry).await
    }

    /// Reads the record of `code`, whether or not it is redeemed.
    pub async fn code(
        &self,
        code: &AuthorizationCode,
        now: UnixTime,
    ) -> Result<Option<CodeRecord>, Error> {
        self.records.read_live(&Key::Code(&code.fingerprint()), now).await
    }

    /// Redeems `code` for `grant`. At most one caller succeeds, even if several call concurrently.
    /// A second caller within [`RETRY`] is rejected. A later one is rejected and revokes the grant
    /// (RFC 6749 §4.1.2: a code used more than once "SHOULD revoke all tokens previously issued").
    pub async fn redeem_code(
        &self,
        code: &AuthorizationCode,
        (grant, attempt): (&Grant, &Identifier),
        now: UnixTime,
        entries: &RedemptionEntries,
    ) -> Result<Redemption, Error> {
        let (sample, posting) = self.records.index_grant(grant, entries.granted.as_ref()).await?;
        let script = Script::new(REDEEM);
        let mut call = script.prepare_invoke();
        let life = now.until(grant.expires_at).as_secs().max(1);
        call.key(Key::Redeemed(&grant.id).text())
            .key(Key::Grant(&grant.id).text())
            .arg(serde_json::to_string(grant)?)
            .arg(life)
            .arg(life)
            .arg(marker(attempt, now));
        posting.add_to(&mut call);
        let first: Option<String> = call.invoke_async(&mut self.records.pool.get().await?).await?;
        self.records.tracker.changed(Key::Grant(&grant.id).text().as_bytes());
        if let Some(first) = first {
            // Markers of earlier versions contain no number, or no time either.
            let time = first.split(':').next().and_then(|time| time.parse().ok());
            let first = UnixTime(time.unwrap_or_default());
            if now <= first.plus(RETRY) {
                return Ok(Redemption::Repeated);
            }
            let was_live = self.revoke_grant(&grant.id, entries.replayed.as_ref()).await?;
            return Ok(if was_live { Redemption::Replayed } else { Redemption::ReplayedLater });
        }
        self.records.trim(sample, now).await;
        // The generation of the code is that of the grant, so that a concurrent revocation ends both.
        // Only `--before` ends a code and not the grant, which is younger.
        let generation = Generation::of_grant(&grant.id);
        let affiliation = grant.affiliation();
        if self.records.exists(&Key::Code(&code.fingerprint())).await?
            && !self.records.are_revoked(affiliation, generation, None).await?
            && !self.records.are_revoked(affiliation, generation, Some(grant.created_at)).await?
        {
            return Ok(Redemption::Granted);
        }
        self.revoke_grant(&grant.id, entries.revoked.as_ref()).await?;
        Ok(Redemption::Revoked)
    }

    /// Takes back the redemption `attempt` at time `now`, whose response could not be completed, so
    /// that the client can try again. Does nothing if another attempt redeemed the code.
    pub async fn undo_redemption(
        &self,
        grant: &Identifier,
        attempt: &Identifier,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let key = Key::Grant(grant).text();
        let posting = self.records.announce(&key, entry).await?;
        let script = Script::new(UNDO);
        let mut call = script.prepare_invoke();
        call.key(Key::Redeemed(grant).text()).key(&key).arg(marker(attempt, now));
        posting.add_to(&mut call);
        let done = call.invoke_async(&mut self.records.pool.get().await?).await;
        self.records.tracker.changed(key.as_bytes());
        Ok(done?)
    }
}

/// Returns the marker of a redemption: its time and its number.
fn marker(attempt: &Identifier, now: UnixTime) -> String {
    format!("{}:{attempt}", now.0)
}
