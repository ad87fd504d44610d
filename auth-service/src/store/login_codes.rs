//! Single-use login codes, which the operator issues.

use super::{AuditEntry, Error, Key, LoginRecords, Ttl};
use crate::model::{Generation, LoginCode, UnixTime, User};

/// The record of a login code: its user and its expiry.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct LoginCodeRecord {
    pub(super) user: User,
    #[serde(default, skip_serializing_if = "Generation::is_first")]
    pub(super) generation: Generation,
    pub(super) expires_at: UnixTime,
}

impl LoginRecords {
    /// Locks a login code until `end`. Returns `false` if another login flow has locked it.
    pub async fn lock_login_code(
        &self,
        code: &LoginCode,
        (now, end): (UnixTime, UnixTime),
    ) -> Result<bool, Error> {
        self.records.put_new(&Key::LoginLock(&code.fingerprint()), &1, Ttl::until(now, end)).await
    }

    /// Unlocks a login code that was not consumed.
    pub async fn unlock_login_code(&self, code: &LoginCode) -> Result<(), Error> {
        self.records.delete(&Key::LoginLock(&code.fingerprint())).await.map(drop)
    }

    /// Stores a login code for `user`, of the current generation, with its event.
    pub async fn put_login_code(
        &self,
        code: &LoginCode,
        user: &User,
        (now, expires_at): (UnixTime, UnixTime),
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let generation = self.records.generation().await?;
        let record = LoginCodeRecord { user: user.clone(), generation, expires_at };
        self.records
            .put_live(&Key::LoginCode(&code.fingerprint()), &record, (now, expires_at), entry)
            .await
    }

    /// Returns the user of a login code. Returns `None` if the code has expired or was consumed.
    pub async fn login_code(&self, code: &LoginCode, now: UnixTime) -> Result<Option<User>, Error> {
        let record: Option<LoginCodeRecord> =
            self.records.read_live(&Key::LoginCode(&code.fingerprint()), now).await?;
        Ok(record.map(|record| record.user))
    }

    /// Consumes a login code. Returns `None` if it has expired or was consumed already.
    pub async fn take_login_code(
        &self,
        code: &LoginCode,
        now: UnixTime,
    ) -> Result<Option<User>, Error> {
        let record: Option<LoginCodeRecord> =
            self.records.take(&Key::LoginCode(&code.fingerprint()), now).await?;
        let record = self.records.unless_revoked(record).await?;
        Ok(record.map(|record| record.user))
    }
}
