//! Authorization codes: redeemed once. A second try is refused, and ends what the first one got unless it
//! comes within seconds.

use std::time::Duration;

use redis::Script;

use super::{Error, Expiring, Key, Store, Ttl};
use crate::model::{AuthorizationCode, CodeRecord, Grant, UnixTime};

impl Expiring for CodeRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

/// Marks the code as redeemed, and when, and stores its grant, in one step: a replay that ran between the
/// two would find no grant to end. Returns when the code was redeemed before.
const REDEEM: &str = r"
local first = redis.call('SET', KEYS[1], ARGV[4], 'NX', 'GET', 'EX', ARGV[3])
if first then return first end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
return false
";

/// How long a second redemption counts as the client's own retry, whose first answer was lost. The
/// caller has proven the PKCE verifier, which no thief of a code has.
const RETRY: Duration = Duration::from_secs(10);

/// What became of redeeming a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// Its grant lives.
    Granted,
    /// It was redeemed a moment ago, and the grant of that lives on.
    Repeated,
    /// It was redeemed before, and its grant has ended.
    Replayed,
    /// It was revoked meanwhile.
    Revoked,
}

impl Store {
    /// Stores what `code` stands for.
    pub async fn put_code(
        &self,
        code: &AuthorizationCode,
        record: &CodeRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        let ttl = Ttl::until(now, record.expires_at);
        self.put(&Key::Code(&code.fingerprint()), record, ttl).await
    }

    /// What `code` stands for, redeemed or not.
    pub async fn code(
        &self,
        code: &AuthorizationCode,
        now: UnixTime,
    ) -> Result<Option<CodeRecord>, Error> {
        self.read(&Key::Code(&code.fingerprint()), now).await
    }

    /// Redeems `code` for `grant`. Of all callers, concurrent ones included, at most one is granted
    /// it. A caller that comes within [`RETRY`] is refused; a later one also ends the grant (RFC 6749
    /// §4.1.2: a code used more than once "SHOULD revoke all tokens previously issued").
    pub async fn redeem_code(
        &self,
        code: &AuthorizationCode,
        grant: &Grant,
        now: UnixTime,
    ) -> Result<Redemption, Error> {
        let script = Script::new(REDEEM);
        let mut call = script.prepare_invoke();
        let life = now.until(grant.expires_at).as_secs().max(1);
        call.key(Key::Redeemed(&grant.id).text())
            .key(Key::Grant(&grant.id).text())
            .arg(serde_json::to_string(grant)?)
            .arg(life)
            .arg(life)
            .arg(now.0);
        let first: Option<String> = call.invoke_async(&mut self.pool.get().await?).await?;
        self.witness.changed(Key::Grant(&grant.id).text().as_bytes());
        if let Some(first) = first {
            // Marks of earlier versions do not say when.
            let first = UnixTime(first.parse().unwrap_or_default());
            if now <= first.plus(RETRY) {
                return Ok(Redemption::Repeated);
            }
            self.revoke_grant(&grant.id).await?;
            return Ok(Redemption::Replayed);
        }
        // Who revokes deletes codes, then looks for grants. This grant is either found there, or
        // finds its code gone here.
        if self.exists(&Key::Code(&code.fingerprint())).await? {
            return Ok(Redemption::Granted);
        }
        self.revoke_grant(&grant.id).await?;
        Ok(Redemption::Revoked)
    }
}
