//! Refresh tokens: spent once, with a short time in which a second try gets the same successor.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Error, Expiring, Key, Store, Ttl};
use crate::model::{RefreshRecord, RefreshToken, UnixTime};

impl Expiring for RefreshRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

/// The mark on a spent token. The successor is derived from the token and this salt, so that it can
/// be given out again without being stored.
#[derive(Clone, Serialize, Deserialize)]
struct Spent {
    salt: String,
    at: UnixTime,
}

/// What became of spending a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub enum Spending {
    /// The caller is the first one: the salt is its own.
    First,
    /// The caller came within the grace, and the successor has this salt.
    Again(String),
    /// Spent too long ago. Theft, until proven otherwise: revoke the grant (RFC 9700 §4.14.2).
    Replay,
}

impl Store {
    /// Stores a refresh token; a successor that is given out again keeps the end it has.
    pub async fn put_refresh(
        &self,
        token: &RefreshToken,
        record: &RefreshRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        let ttl = Ttl::until(now, record.expires_at);
        let key = Key::Refresh(&token.fingerprint()).text();
        self.put_essential_if("NX", &key, record, ttl).await.map(drop)
    }

    /// What `token` stands for, spent or not.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        now: UnixTime,
    ) -> Result<Option<RefreshRecord>, Error> {
        self.read(&Key::Refresh(&token.fingerprint()), now).await
    }

    /// Whether `token` was spent.
    pub async fn is_spent(&self, token: &RefreshToken) -> Result<bool, Error> {
        self.exists(&Key::SpentRefresh(&token.fingerprint())).await
    }

    /// Spends `token`, offering `salt` for its successor. Callers within `grace` of the first one
    /// are told the salt of the first one.
    pub async fn spend_refresh(
        &self,
        token: &RefreshToken,
        salt: &str,
        (now, end): (UnixTime, UnixTime),
        grace: Duration,
    ) -> Result<Spending, Error> {
        let mine = Spent { salt: salt.to_owned(), at: now };
        let key = Key::SpentRefresh(&token.fingerprint()).text();
        let earlier = self.put_essential_if("NX", &key, &mine, Ttl::until(now, end)).await?;
        let Some(earlier) = earlier else { return Ok(Spending::First) };
        let first: Spent = serde_json::from_str(&earlier)?;
        if now <= first.at.plus(grace) {
            Ok(Spending::Again(first.salt))
        } else {
            Ok(Spending::Replay)
        }
    }
}
