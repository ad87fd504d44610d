//! Grants and the access tokens issued under them.

use super::{Error, Expiring, Key, Sighting, Store, Ttl, witness::Witness};
use crate::model::{AccessRecord, Grant, Identifier, UnixTime};

impl Expiring for Grant {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

impl Expiring for AccessRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

impl Store {
    /// The grant of `id`; `None` when it ended or was revoked.
    pub async fn grant(&self, id: &Identifier, now: UnixTime) -> Result<Option<Grant>, Error> {
        self.read(&Key::Grant(id), now).await
    }

    /// Stores a new grant.
    pub async fn put_grant(&self, grant: &Grant, now: UnixTime) -> Result<(), Error> {
        self.put(&Key::Grant(&grant.id), grant, Ttl::until(now, grant.expires_at)).await
    }

    /// Extends a grant that is still there. Answers `false` when it was revoked meanwhile: `XX`
    /// keeps a refresh under way from bringing it back.
    pub async fn extend_grant(&self, grant: &Grant, now: UnixTime) -> Result<bool, Error> {
        let (key, ttl) = (Key::Grant(&grant.id).text(), Ttl::until(now, grant.expires_at));
        Ok(self.put_essential_if("XX", &key, grant, ttl).await?.is_some())
    }

    /// Ends a grant, and with it every token that was issued under it. The proxies are told.
    pub async fn revoke_grant(&self, id: &Identifier) -> Result<bool, Error> {
        self.end_record(&Key::Grant(id).text(), id).await
    }

    /// Notes an access token as issued.
    pub async fn put_access(&self, record: &AccessRecord, now: UnixTime) -> Result<(), Error> {
        let key = Key::Access(&record.grant, &record.jti);
        self.put_essential(&key.text(), record, Ttl::until(now, record.expires_at)).await
    }

    /// Ends one access token. The proxies are told.
    pub async fn revoke_access(&self, grant: &Identifier, jti: &Identifier) -> Result<bool, Error> {
        self.end_record(&Key::Access(grant, jti).text(), jti).await
    }

    /// Whether the access token and its grant are both still there.
    pub async fn is_live(&self, grant: &Identifier, jti: &Identifier) -> Result<bool, Error> {
        let keys = [Key::Grant(grant).text(), Key::Access(grant, jti).text()];
        Ok(self.questions.are_there(keys).await?)
    }

    /// An access token to be remembered.
    #[must_use]
    pub fn sighting(&self, grant: &Identifier, jti: &Identifier) -> Sighting {
        self.witness.sighting(grant, jti)
    }

    /// The same for a token that is remembered: Redis is asked only if it could not tell of a change.
    pub async fn is_still_live(
        &self,
        token: &Sighting,
        ids: impl FnOnce() -> (Identifier, Identifier),
    ) -> Result<bool, Error> {
        if self.witness.vouches_for(token) {
            return Ok(true);
        }
        let moment = self.witness.before_asking();
        let (grant, jti) = ids();
        let live = self.is_live(&grant, &jti).await?;
        Witness::confirm(token, moment.filter(|_| live));
        Ok(live)
    }
}
