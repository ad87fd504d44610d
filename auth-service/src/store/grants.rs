//! Grants and the access tokens issued under them.

use super::{Error, GrantRecords, Key, LivenessEntry, Ttl, revocation_tracker::RevocationTracker};
use crate::model::{AccessRecord, Grant, Identifier, UnixTime};

impl GrantRecords {
    /// Reads the grant of `id`. Returns `None` if it has expired or was revoked.
    pub async fn grant(&self, id: &Identifier, now: UnixTime) -> Result<Option<Grant>, Error> {
        self.records.read(&Key::Grant(id), now).await
    }

    /// Stores a new grant until its expiry.
    pub async fn put_grant(&self, grant: &Grant, now: UnixTime) -> Result<(), Error> {
        self.records.put(&Key::Grant(&grant.id), grant, Ttl::until(now, grant.expires_at)).await
    }

    /// Extends an existing grant. Returns `false` if it was revoked meanwhile: `XX` prevents a
    /// concurrent refresh from restoring a revoked grant.
    pub async fn extend_grant(&self, grant: &Grant, now: UnixTime) -> Result<bool, Error> {
        let (key, ttl) = (Key::Grant(&grant.id).text(), Ttl::until(now, grant.expires_at));
        Ok(self.records.put_essential_if("XX", &key, grant, ttl).await?.is_some())
    }

    /// Revokes a grant and thereby all its tokens, and notifies the proxies. Returns `true` if the
    /// grant existed.
    pub async fn revoke_grant(&self, id: &Identifier) -> Result<bool, Error> {
        self.end_record(&Key::Grant(id).text(), id).await
    }

    /// Stores the record of an issued access token.
    pub async fn put_access(&self, record: &AccessRecord, now: UnixTime) -> Result<(), Error> {
        let key = Key::Access(&record.grant, &record.jti);
        self.records.put_essential(&key.text(), record, Ttl::until(now, record.expires_at)).await
    }

    /// Revokes one access token and notifies the proxies. Returns `true` if the token existed.
    pub async fn revoke_access(&self, grant: &Identifier, jti: &Identifier) -> Result<bool, Error> {
        self.end_record(&Key::Access(grant, jti).text(), jti).await
    }

    /// Returns `true` if the access token and its grant both exist. Always queries Redis.
    pub async fn is_live(&self, grant: &Identifier, jti: &Identifier) -> Result<bool, Error> {
        let keys = [Key::Grant(grant).text(), Key::Access(grant, jti).text()];
        Ok(self.records.lookups.are_there(keys).await?)
    }

    /// Creates a liveness entry for an access token, to pass to [`Store::is_still_live`].
    #[must_use]
    pub fn liveness(&self, grant: &Identifier, jti: &Identifier) -> LivenessEntry {
        self.records.tracker.liveness(grant, jti)
    }

    /// Returns `true` if the access token of a liveness entry and its grant both exist. Queries
    /// Redis only if the entry is not known to be valid.
    pub async fn is_still_live(
        &self,
        token: &LivenessEntry,
        ids: impl FnOnce() -> (Identifier, Identifier),
    ) -> Result<bool, Error> {
        if self.records.tracker.is_known_live(token) {
            return Ok(true);
        }
        let moment = self.records.tracker.lookup_time();
        let (grant, jti) = ids();
        let live = self.is_live(&grant, &jti).await?;
        RevocationTracker::confirm(token, moment.filter(|_| live));
        Ok(live)
    }
}
