//! Who asks, as the gateway in front says in a form that proves itself: a JWT (RFC 7519) of the type
//! `mcp-identity+jwt`, signed with a key that the gateway publishes. Of OAuth nothing is known here.

mod keys;
mod verify;

use std::sync::Arc;

use quick_cache::sync::Cache;
use reqwest::Url;

use keys::Keys;

/// The most identities that are remembered; some 2 KB each.
const CAPACITY: usize = 4_096;

/// Who asks.
#[derive(Debug)]
pub struct Asker {
    /// The user.
    pub subject: Arc<str>,
    /// What they may do, separated by blanks.
    pub scopes: String,
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
}

/// Checks identities.
pub struct Identities {
    keys: Keys,
    /// By their text, so that a signature is checked once.
    checked: Cache<String, Arc<Asker>>,
}

impl Identities {
    /// With the keys at `url`, which are asked for by [`follow`](Self::follow).
    pub fn new(url: Url) -> Result<Self, reqwest::Error> {
        Ok(Self { keys: Keys::new(url)?, checked: Cache::new(CAPACITY) })
    }

    /// Keeps the keys current, for ever.
    pub async fn follow(&self) {
        self.keys.follow().await;
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
        let asker = Arc::new(Asker {
            subject: claims.sub.into(),
            scopes: claims.scope,
            server: claims.mcp_server,
            expires_at: claims.exp,
            generation: keys.generation,
        });
        self.checked.insert(token.to_owned(), Arc::clone(&asker));
        Ok(asker)
    }
}
