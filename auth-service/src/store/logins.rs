//! Authorization requests between `/authorize` and the code, and login codes of the operator.

use super::{Error, Expiring, Key, Store, Ttl};
use crate::model::{
    ConsentRecord, Fingerprint, FlowId, LoginCode, LoginRecord, LoginState, UnixTime, User,
};

impl Expiring for ConsentRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

impl Expiring for LoginRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

/// What a login code stands for.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct LoginCodeRecord {
    pub(super) user: User,
    expires_at: UnixTime,
}

impl Expiring for LoginCodeRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

impl Store {
    /// Stores a request that waits for consent.
    pub async fn put_consent(
        &self,
        flow: &FlowId,
        record: &ConsentRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        let ttl = Ttl::until(now, record.expires_at);
        self.put(&Key::Consent(&flow.fingerprint()), record, ttl).await
    }

    /// The request that waits for consent.
    pub async fn consent(
        &self,
        flow: &FlowId,
        now: UnixTime,
    ) -> Result<Option<ConsentRecord>, Error> {
        self.read(&Key::Consent(&flow.fingerprint()), now).await
    }

    /// Takes the request that waits for consent; of two callers, one gets it.
    pub async fn take_consent(
        &self,
        flow: &FlowId,
        now: UnixTime,
    ) -> Result<Option<ConsentRecord>, Error> {
        self.take(&Key::Consent(&flow.fingerprint()), now).await
    }

    /// Stores a request whose person is at the login provider.
    pub async fn put_login(
        &self,
        state: &LoginState,
        record: &LoginRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        let ttl = Ttl::until(now, record.expires_at);
        self.put(&Key::Login(&state.fingerprint()), record, ttl).await
    }

    /// The request whose person is back from the login provider.
    pub async fn login(
        &self,
        state: &LoginState,
        now: UnixTime,
    ) -> Result<Option<LoginRecord>, Error> {
        self.read(&Key::Login(&state.fingerprint()), now).await
    }

    /// Notes that a `state` or a login code came back; of two callers, one is the first.
    pub async fn is_first_use(
        &self,
        of: &Fingerprint,
        (now, expires_at): (UnixTime, UnixTime),
    ) -> Result<bool, Error> {
        self.put_new(&Key::LoginUsed(of), &1, Ttl::until(now, expires_at)).await
    }

    /// Takes the request whose person is back, if it is still there.
    pub async fn take_login(
        &self,
        state: &LoginState,
        now: UnixTime,
    ) -> Result<Option<LoginRecord>, Error> {
        self.take(&Key::Login(&state.fingerprint()), now).await
    }

    /// Stores a login code for `user`.
    pub async fn put_login_code(
        &self,
        code: &LoginCode,
        user: &User,
        (now, expires_at): (UnixTime, UnixTime),
    ) -> Result<(), Error> {
        let record = LoginCodeRecord { user: user.clone(), expires_at };
        let ttl = Ttl::until(now, expires_at);
        self.put(&Key::LoginCode(&code.fingerprint()), &record, ttl).await
    }

    /// Whose login code it is.
    pub async fn login_code(&self, code: &LoginCode, now: UnixTime) -> Result<Option<User>, Error> {
        let record: Option<LoginCodeRecord> =
            self.read(&Key::LoginCode(&code.fingerprint()), now).await?;
        Ok(record.map(|record| record.user))
    }

    /// Takes a login code, if it is still there.
    pub async fn take_login_code(
        &self,
        code: &LoginCode,
        now: UnixTime,
    ) -> Result<Option<User>, Error> {
        let record: Option<LoginCodeRecord> =
            self.take(&Key::LoginCode(&code.fingerprint()), now).await?;
        Ok(record.map(|record| record.user))
    }
}
