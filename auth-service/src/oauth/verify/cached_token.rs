//! The claims of a verified access token, in a compact form.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};

use serde::Deserialize;

use super::judgement::Latest;
use crate::{
    model::{ClientId, Identifier, Person, ResourceUri, UnixTime},
    oauth::{packed_strings::PackedStrings, token::access_token::Audience},
    store::{LivenessEntry, TokenClaims},
};

/// The cached subset of the claims that `access_token.rs` writes.
#[derive(Deserialize)]
pub(super) struct CachedClaims<'a> {
    #[serde(borrow)]
    pub(super) iss: Cow<'a, str>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    aud: Audience,
    exp: UnixTime,
    /// A mandatory claim (RFC 9068 §2.2) that is otherwise unused.
    #[serde(rename = "iat")]
    _issued_at: UnixTime,
    pub(super) jti: Identifier,
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow, default)]
    client_name: Cow<'a, str>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
    pub(super) grant_id: Identifier,
    #[serde(borrow)]
    preferred_username: Cow<'a, str>,
    #[serde(borrow)]
    email: Option<Cow<'a, str>>,
}

/// The cache entry of one verified token.
pub(in crate::oauth) struct CachedToken {
    pub(in crate::oauth) expires_at: UnixTime,
    /// The liveness entry of the token and its grant.
    pub(in crate::oauth) liveness: LivenessEntry,
    /// The minute of the last use.
    used: AtomicI64,
    /// The latest answer of the access policy.
    pub(super) latest: Latest,
    texts: PackedStrings<PARTS>,
}

/// A string claim of a token, as index into the packed strings.
#[derive(Clone, Copy)]
pub(in crate::oauth) enum Part {
    Grant,
    Jti,
    Subject,
    Name,
    Email,
    Client,
    ClientName,
    Scope,
    /// The audiences, separated by spaces, which no URL contains.
    Audience,
}

const PARTS: usize = 9;

impl CachedToken {
    pub(super) fn new(claims: &CachedClaims<'_>, liveness: LivenessEntry) -> Option<Self> {
        let audience = claims.aud.joined();
        let texts = PackedStrings::new([
            claims.grant_id.as_str(),
            claims.jti.as_str(),
            &claims.sub,
            &claims.preferred_username,
            claims.email.as_deref().unwrap_or(""),
            &claims.client_id,
            &claims.client_name,
            &claims.scope,
            &audience,
        ])?;
        Some(Self {
            expires_at: claims.exp,
            liveness,
            used: AtomicI64::new(i64::MIN),
            latest: Latest::default(),
            texts,
        })
    }

    pub(in crate::oauth) fn text(&self, part: Part) -> &str {
        self.texts.str(part as usize)
    }

    /// Returns `true` if the token was not used in this minute before, and notes it.
    pub(super) fn is_first_use_of(&self, minute: i64) -> bool {
        self.used.load(Relaxed) != minute && self.used.swap(minute, Relaxed) != minute
    }

    pub(in crate::oauth) fn person(&self) -> Person<'_> {
        Person { subject: self.text(Part::Subject), name: self.text(Part::Name) }
    }

    /// Returns `true` if `resource` is an audience of the token (RFC 7519 §4.1.3).
    pub(in crate::oauth) fn is_for(&self, resource: &ResourceUri) -> bool {
        self.text(Part::Audience).split(' ').any(|one| one == resource.as_str())
    }

    /// Returns the claims for a liveness lookup in the store.
    pub(in crate::oauth) fn claims(&self) -> TokenClaims<'_> {
        let id = |part| Identifier::parsed(self.text(part));
        TokenClaims {
            grant: id(Part::Grant),
            jti: id(Part::Jti),
            subject: self.text(Part::Subject),
            name: self.text(Part::Name),
            client: ClientId::parsed(self.text(Part::Client)),
        }
    }
}
