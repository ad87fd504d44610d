//! The caller's identity as asserted by the gateway: a signed JWT (RFC 7519) of type `mcp-identity+jwt`,
//! verified with a key that the gateway publishes. This module knows nothing of OAuth.

mod feed;
mod fetch;
mod keys;
mod verify;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use gateway_contract::display::log_safe;
use gateway_contract::tool_lists::ToolLists;
use quick_cache::sync::Cache;
use reqwest::Url;

use crate::access::audit::Who;
use crate::access::grants::{Access, Grants, Rests};
use feed::Feed;
use fetch::Fetcher;
use keys::Keys;
use verify::Claims;

/// The maximum number of cached identities, at some 2 KB each, and up to 8 KB more with lists of tools.
const CAPACITY: usize = 4_096;

/// The maximum length of a client id to keep, in characters.
const CLIENT_LENGTH: usize = 512;

/// A verified caller.
#[derive(Debug)]
pub struct Caller {
    /// The user, an isolation key.
    pub subject: Arc<str>,
    /// The user, the client and the grant, for audit events.
    pub who: Arc<Who>,
    /// The granted scopes, separated by spaces.
    pub scopes: String,
    /// The tools that the access policy allows; `None` if it allows all.
    pub tools: Option<Arc<ToolLists>>,
    /// The state of the access token, if the gateway announces revocations.
    pub access: Option<Arc<Access>>,
    /// The server that the identity is valid for.
    server: String,
    expires_at: u64,
    /// The generation of the keys that verified the identity.
    generation: u64,
}

/// The reason why an identity is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// The identity is not from the gateway, or not for this server.
    Unproven,
    /// The keys are not available yet.
    NotNow,
    /// The grant or the access token was revoked after the gateway admitted the request.
    Revoked,
}

/// The verifier of signed identities.
pub struct Identities {
    keys: Keys,
    grants: Arc<Grants>,
    feed: Feed,
    /// The verified identities by their token, so that each signature is checked once.
    checked: Cache<String, Arc<Caller>>,
}

impl Identities {
    /// Creates a verifier with the keys at `keys` and the feed of ended grants at `ended`, both of which
    /// [`follow`](Self::follow) reads. The feed may be silent for `lease`.
    pub fn new(keys: Url, ended: Url, lease: Duration) -> Result<Self, reqwest::Error> {
        let grants = Arc::new(Grants::new(lease));
        let fetcher = Fetcher::new()?;
        Ok(Self {
            keys: Keys::new(keys, fetcher.clone()),
            feed: Feed::new(ended, fetcher, Arc::clone(&grants)),
            grants,
            checked: Cache::new(CAPACITY),
        })
    }

    /// Keeps the keys up to date, and calls `end_revoked` when grants have ended or the lease is lost. Never returns.
    pub async fn follow(&self, end_revoked: impl Fn()) {
        tokio::join!(
            self.keys.follow(),
            self.feed.follow(&end_revoked),
            self.feed.watch(&end_revoked)
        );
    }

    /// Returns the caller that `token` identifies, if it is valid for `server`.
    pub async fn caller(&self, token: &str, server: &str) -> Result<Arc<Caller>, IdentityError> {
        let caller = match self.remembered(token) {
            Some(caller) => caller,
            None => self.check(token).await?,
        };
        if verify::is_over(caller.expires_at) || caller.server != server {
            return Err(IdentityError::Unproven);
        }
        if caller.access.as_ref().is_some_and(|access| access.has_ended()) {
            return Err(IdentityError::Revoked);
        }
        Ok(caller)
    }

    fn remembered(&self, token: &str) -> Option<Arc<Caller>> {
        let caller = self.checked.get(token)?;
        // A withdrawn key invalidates everything that it signed.
        (self.keys.known()?.generation == caller.generation).then_some(caller)
    }

    async fn check(&self, token: &str) -> Result<Arc<Caller>, IdentityError> {
        let mut keys = self.keys.known().ok_or(IdentityError::NotNow)?;
        let kid = verify::kid(token).ok_or(IdentityError::Unproven)?;
        if keys.by_id(&kid).is_none() {
            keys = self.keys.ask_again().await.ok_or(IdentityError::NotNow)?;
        }
        let key = keys.by_id(&kid).ok_or(IdentityError::Unproven)?;
        let claims = verify::read(token, key).ok_or(IdentityError::Unproven)?;
        let access = self.access(&claims)?;
        let tools = Some(claims.tool_lists()).filter(|lists| !lists.admit_all());
        let subject: Arc<str> = claims.sub.into();
        let caller = Arc::new(Caller {
            who: Arc::new(Who {
                subject: Arc::clone(&subject),
                name: log_safe(&claims.preferred_username).into_owned(),
                client: claims.client_id.chars().take(CLIENT_LENGTH).collect(),
                client_name: log_safe(&claims.client_name).into_owned(),
                grant: claims.grant_hash.map(Cow::into_owned),
            }),
            subject,
            scopes: claims.scope.into_owned(),
            tools: tools.map(Arc::new),
            access,
            server: claims.mcp_server.into_owned(),
            expires_at: claims.exp,
            generation: keys.generation,
        });
        self.checked.insert(token.to_owned(), Arc::clone(&caller));
        Ok(caller)
    }

    fn access(&self, claims: &Claims) -> Result<Option<Arc<Access>>, IdentityError> {
        let Some(grant) = &claims.grant_hash else { return Ok(None) };
        let rests = Rests { grant, token: claims.token_hash.as_deref(), ends: claims.token_exp };
        self.grants.access(&rests).map(Some).ok_or(IdentityError::Revoked)
    }
}
