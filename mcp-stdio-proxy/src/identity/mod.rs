//! Who asks, as the gateway in front says in a form that proves itself: a JWT (RFC 7519) of the type
//! `mcp-identity+jwt`, signed with a key that the gateway publishes. Of OAuth nothing is known here.

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

use crate::audit::Who;
use crate::grants::{Access, Grants, Rests};
use crate::hub::Hub;
use feed::Feed;
use fetch::Fetcher;
use keys::Keys;
use verify::Claims;

/// The most identities that are remembered; some 2 KB each, with lists of tools up to 8 KB more.
const CAPACITY: usize = 4_096;

/// The longest id of a client that is kept, in characters.
const CLIENT_LENGTH: usize = 512;

/// Who asks.
#[derive(Debug)]
pub struct Asker {
    /// The user.
    pub subject: Arc<str>,
    /// The user, the client and the grant, for events.
    pub who: Arc<Who>,
    /// What they may do, separated by blanks.
    pub scopes: String,
    /// The tools that the access policy allows them, if it does not allow all.
    pub tools: Option<Arc<ToolLists>>,
    /// The access token that they have, if the gateway tells when it ends.
    pub access: Option<Arc<Access>>,
    /// The server that they may use.
    server: String,
    expires_at: u64,
    /// The keys with which this was found out.
    generation: u64,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It does not come from the gateway, or not for this server.
    Unproven,
    /// The keys are not known yet.
    NotNow,
    /// The grant, or the access token, was revoked since the gateway let the request through.
    Revoked,
}

/// Checks identities.
pub struct Identities {
    keys: Keys,
    grants: Arc<Grants>,
    feed: Feed,
    /// By their text, so that a signature is checked once.
    checked: Cache<String, Arc<Asker>>,
}

impl Identities {
    /// With the keys at `keys` and the feed of ended grants at `ended`, both of which are read by
    /// [`follow`](Self::follow). The silence of the feed counts for `lease`.
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

    /// Keeps the keys current, and ends what `hub` serves on the strength of ended grants. Never returns.
    pub async fn follow(&self, hub: &Hub) {
        tokio::join!(self.keys.follow(), self.feed.follow(hub), self.feed.watch(hub));
    }

    /// Who has `token`, if it is for `server`.
    pub async fn asker(&self, token: &str, server: &str) -> Result<Arc<Asker>, Refused> {
        let asker = match self.remembered(token) {
            Some(asker) => asker,
            None => self.check(token).await?,
        };
        if verify::is_over(asker.expires_at) || asker.server != server {
            return Err(Refused::Unproven);
        }
        if asker.access.as_ref().is_some_and(|access| access.has_ended()) {
            return Err(Refused::Revoked);
        }
        Ok(asker)
    }

    fn remembered(&self, token: &str) -> Option<Arc<Asker>> {
        let asker = self.checked.get(token)?;
        // A key that was withdrawn takes along what it signed.
        (self.keys.known()?.generation == asker.generation).then_some(asker)
    }

    async fn check(&self, token: &str) -> Result<Arc<Asker>, Refused> {
        let mut keys = self.keys.known().ok_or(Refused::NotNow)?;
        let kid = verify::kid(token).ok_or(Refused::Unproven)?;
        if keys.by_id(&kid).is_none() {
            keys = self.keys.ask_again().await.ok_or(Refused::NotNow)?;
        }
        let key = keys.by_id(&kid).ok_or(Refused::Unproven)?;
        let claims = verify::read(token, key).ok_or(Refused::Unproven)?;
        let access = self.access(&claims)?;
        let tools = Some(claims.tool_lists()).filter(|lists| !lists.admit_all());
        let subject: Arc<str> = claims.sub.into();
        let asker = Arc::new(Asker {
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
        self.checked.insert(token.to_owned(), Arc::clone(&asker));
        Ok(asker)
    }

    fn access(&self, claims: &Claims) -> Result<Option<Arc<Access>>, Refused> {
        let Some(grant) = &claims.grant_hash else { return Ok(None) };
        let rests = Rests { grant, token: claims.token_hash.as_deref(), ends: claims.token_exp };
        self.grants.access(&rests).map(Some).ok_or(Refused::Revoked)
    }
}
