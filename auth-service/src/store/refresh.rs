//! Refresh tokens: single-use, with a grace window in which a retry receives the same successor.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Error, GrantRecords, Key, Ttl};
use crate::model::{RefreshRecord, RefreshToken, UnixTime};

/// The marker of a spent token. The successor is derived from the token and this salt, so that it
/// can be issued again although only its fingerprint is stored.
#[derive(Clone, Serialize, Deserialize)]
struct Spent {
    salt: String,
    at: UnixTime,
}

/// The result of spending a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub enum Spending {
    /// The token was unspent. The successor has the salt of this caller.
    First,
    /// The token was spent within the grace window. The successor has this salt.
    Again(String),
    /// The token was spent, and its grace window has passed. Treat it as stolen and revoke the grant
    /// (RFC 9700 §4.14.2).
    Replay,
}

impl GrantRecords {
    /// Stores a refresh token unless it exists. A successor that is issued again keeps its expiry.
    pub async fn put_refresh(
        &self,
        token: &RefreshToken,
        record: &RefreshRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        let ttl = Ttl::until(now, record.expires_at);
        let key = Key::Refresh(&token.fingerprint()).text();
        self.records.put_essential_if("NX", &key, (record, ttl), None).await.map(drop)
    }

    /// Reads the record of `token`, whether or not it is spent.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        now: UnixTime,
    ) -> Result<Option<RefreshRecord>, Error> {
        self.records.read(&Key::Refresh(&token.fingerprint()), now).await
    }

    /// Returns `true` if `token` was spent.
    pub async fn is_spent(&self, token: &RefreshToken) -> Result<bool, Error> {
        self.records.exists(&Key::SpentRefresh(&token.fingerprint())).await
    }

    /// Spends `token` and proposes `salt` for its successor. Callers within `grace` of the first
    /// one receive the salt of the first one.
    pub async fn spend_refresh(
        &self,
        token: &RefreshToken,
        salt: &str,
        (now, end): (UnixTime, UnixTime),
        grace: Duration,
    ) -> Result<Spending, Error> {
        let mine = Spent { salt: salt.to_owned(), at: now };
        let key = Key::SpentRefresh(&token.fingerprint()).text();
        let marker = (&mine, Ttl::until(now, end));
        let earlier = self.records.put_essential_if("NX", &key, marker, None).await?;
        let Some(earlier) = earlier else { return Ok(Spending::First) };
        let first: Spent = serde_json::from_str(&earlier)?;
        if now <= first.at.plus(grace) {
            Ok(Spending::Again(first.salt))
        } else {
            Ok(Spending::Replay)
        }
    }
}
