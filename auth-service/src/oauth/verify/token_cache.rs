//! Access tokens whose signature was checked, so that it is checked once: what a token says does not
//! change. Whether it still counts, and for what, is decided on every request.

use std::{borrow::Cow, sync::Arc};

use aws_lc_rs::digest;
use quick_cache::sync::Cache;
use serde::Deserialize;

use super::recent_tokens::RecentTokens;
use crate::{
    metrics::Decision,
    model::{Identifier, Person, ResourceUri, UnixTime},
    oauth::{AuthServer, packed_strings::Texts, token::access_token::Audience},
    store::Sighting,
};

/// The most tokens that are remembered; some 500 bytes each.
const CAPACITY: usize = 100_000;

/// All that are remembered.
pub struct SeenTokens {
    /// By the SHA-256 of the token.
    all: Cache<[u8; 32], Arc<SeenToken>>,
    recent: RecentTokens,
}

impl Default for SeenTokens {
    fn default() -> Self {
        Self { all: Cache::new(CAPACITY), recent: RecentTokens::default() }
    }
}

impl SeenTokens {
    /// How many are remembered.
    pub(in crate::oauth) fn len(&self) -> usize {
        self.all.len()
    }
}

/// The claims that are remembered, of those that `access_token.rs` writes.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    aud: Audience,
    exp: UnixTime,
    /// Has to be there (RFC 9068 §2.2), and is not used.
    #[serde(rename = "iat")]
    _issued_at: UnixTime,
    jti: Identifier,
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
    grant_id: Identifier,
    #[serde(borrow)]
    preferred_username: Cow<'a, str>,
    #[serde(borrow)]
    email: Option<Cow<'a, str>>,
}

/// One token, in little space.
pub(in crate::oauth) struct SeenToken {
    pub(in crate::oauth) expires_at: UnixTime,
    /// What is known of its life.
    pub(in crate::oauth) sighting: Sighting,
    texts: Texts<PARTS>,
}

/// A text of a token.
#[derive(Clone, Copy)]
pub(in crate::oauth) enum Part {
    Grant,
    Jti,
    Subject,
    Name,
    Email,
    Client,
    Scope,
    /// Separated by blanks, which no URL has.
    Audience,
}

const PARTS: usize = 8;

impl SeenToken {
    fn new(claims: &Said<'_>, sighting: Sighting) -> Option<Self> {
        let audience = claims.aud.joined();
        let texts = Texts::new([
            claims.grant_id.as_str(),
            claims.jti.as_str(),
            &claims.sub,
            &claims.preferred_username,
            claims.email.as_deref().unwrap_or(""),
            &claims.client_id,
            &claims.scope,
            &audience,
        ])?;
        Some(Self { expires_at: claims.exp, sighting, texts })
    }

    pub(in crate::oauth) fn text(&self, part: Part) -> &str {
        self.texts.str(part as usize)
    }

    pub(in crate::oauth) fn person(&self) -> Person<'_> {
        Person { subject: self.text(Part::Subject), name: self.text(Part::Name) }
    }

    /// Whether the token is for `resource` (RFC 7519 §4.1.3).
    pub(in crate::oauth) fn is_for(&self, resource: &ResourceUri) -> bool {
        self.text(Part::Audience).split(' ').any(|one| one == resource.as_str())
    }

    /// Grant and id, for the store.
    pub(in crate::oauth) fn ids(&self) -> (Identifier, Identifier) {
        let id = |part| Identifier::parsed(self.text(part));
        (id(Part::Grant), id(Part::Jti))
    }
}

impl AuthServer {
    /// What is known of `token`, if we signed it and it has not ended; else why not.
    pub(in crate::oauth) fn seen(
        &self,
        token: &[u8],
        now: UnixTime,
    ) -> Result<Arc<SeenToken>, Decision> {
        let known = match self.seen.recent.get(token) {
            Some(known) => known,
            None => self.seen_before(token, now)?,
        };
        if now < known.expires_at { Ok(known) } else { Err(Decision::Expired) }
    }

    /// The same for one that is not among the latest.
    fn seen_before(&self, token: &[u8], now: UnixTime) -> Result<Arc<SeenToken>, Decision> {
        let hash = digest::digest(&digest::SHA256, token);
        let key: [u8; 32] = hash.as_ref().try_into().map_err(|_| Decision::Invalid)?;
        let Some(known) = self.seen.all.get(&key) else {
            let new = Arc::new(self.read(token)?);
            if now < new.expires_at {
                self.seen.all.insert(key, Arc::clone(&new));
            }
            return Ok(new);
        };
        if now < known.expires_at {
            self.seen.recent.put(token, &known);
        } else {
            self.seen.all.remove(&key);
        }
        Ok(known)
    }

    /// What `token` says, if we signed it.
    fn read(&self, token: &[u8]) -> Result<SeenToken, Decision> {
        let token = std::str::from_utf8(token).map_err(|_| Decision::Invalid)?;
        let json = self.signed_claims(token).ok_or(Decision::Invalid)?;
        let claims: Said<'_> = serde_json::from_slice(&json).map_err(|_| Decision::Invalid)?;
        if claims.iss != self.config.issuer.as_str() {
            return Err(Decision::Invalid);
        }
        let sighting = self.store.sighting(&claims.grant_id, &claims.jti);
        SeenToken::new(&claims, sighting).ok_or(Decision::Invalid)
    }
}
