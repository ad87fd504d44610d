//! Who asks, as the server behind gets told: in plain headers, and in a JWT (RFC 7519) of a minute in
//! `X-MCP-Identity`, so that a server that is reached around the gateway can tell. The JWT opens
//! nothing: its type is not that of an access token (RFC 8725 §3.11).

use std::{borrow::Cow, hash::Hash, sync::Arc, time::Duration};

use bytes::Bytes;
use quick_cache::{Equivalent, sync::Cache};
use serde::Serialize;

use super::{
    AuthServer, Challenge, Error,
    seen_token::{Part, SeenToken},
    texts::Texts,
};
use crate::model::{McpServer, UnixTime};

/// The type of the token (RFC 8725 §3.11).
const TYPE: &str = "mcp-identity+jwt";

const LIFE: Duration = Duration::from_mins(1);

/// For how many seconds one signature is used: what is left then is for the way to the server.
const USE: i64 = 30;

/// The most that are remembered; some kilobyte each.
const CAPACITY: usize = 8_192;

/// What is said of who asks. Each text is printable ASCII, which every hop reads alike, with `?` for
/// all else; what is not known is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The name of the server that the token was checked for. What serves the request must take
    /// this one, and not choose by host and path a second time.
    Server,
    /// What a challenge of this server begins with, for what is refused behind us.
    Challenge,
    /// `sub`.
    Subject,
    /// Login name.
    Name,
    /// E-mail address.
    Email,
    /// The client.
    Client,
    /// The scopes of the token, and those that they include.
    Scopes,
    /// All of it in a form that proves itself, unless that is off.
    Signed,
}

const FACTS: usize = 8;

/// Who may go on.
#[derive(Debug)]
pub struct Identity {
    made_at: UnixTime,
    /// The facts, and the resource.
    texts: Texts<{ FACTS + 1 }>,
}

impl Identity {
    /// What is said.
    #[must_use]
    pub fn get(&self, fact: Fact) -> Bytes {
        self.texts.bytes(fact as usize)
    }

    /// Whether it can be said now of somebody with `scopes` at `server`: the catalogue, which tells
    /// the scopes that a token holds and where a server is, may have changed.
    fn holds(&self, now: UnixTime, server: &McpServer, scopes: &str) -> bool {
        (0..USE).contains(&(now.0 - self.made_at.0))
            && self.texts.str(Fact::Scopes as usize) == scopes
            && self.texts.str(FACTS) == server.resource.as_str()
    }
}

/// What was said lately, by access token and server.
pub struct Identities(Cache<Key, Arc<Identity>>);

impl Default for Identities {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

#[derive(Hash, PartialEq, Eq)]
struct Key {
    jti: String,
    server: String,
}

#[derive(Hash)]
struct Asked<'a> {
    jti: &'a str,
    server: &'a str,
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.jti == key.jti && self.server == key.server
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    preferred_username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email: &'a str,
    client_id: &'a str,
    scope: &'a str,
    mcp_server: &'a str,
    iat: UnixTime,
    exp: UnixTime,
}

impl AuthServer {
    /// The identity of who has `seen` at `server`, holding `scopes` there.
    pub(super) fn identity(
        &self,
        seen: &SeenToken,
        server: &McpServer,
        scopes: &str,
    ) -> Result<Arc<Identity>, Error> {
        let now = self.now();
        let (jti, name) = (seen.text(Part::Jti), server.name.as_str());
        if let Some(known) = self.identities.0.get(&Asked { jti, server: name })
            && known.holds(now, server, scopes)
        {
            return Ok(known);
        }
        let identity = Arc::new(self.new_identity(now, seen, server, scopes)?);
        let key = Key { jti: jti.to_owned(), server: name.to_owned() };
        self.identities.0.insert(key, Arc::clone(&identity));
        Ok(identity)
    }

    fn new_identity(
        &self,
        now: UnixTime,
        seen: &SeenToken,
        server: &McpServer,
        scopes: &str,
    ) -> Result<Identity, Error> {
        let (name, resource) = (server.name.as_str(), server.resource.as_str());
        let signed = if self.config.signed_identity {
            let claims = Claims {
                iss: self.config.issuer.as_str(),
                aud: resource,
                sub: seen.text(Part::Subject),
                preferred_username: seen.text(Part::Name),
                email: seen.text(Part::Email),
                client_id: seen.text(Part::Client),
                scope: scopes,
                mcp_server: name,
                iat: now,
                exp: now.plus(LIFE),
            };
            self.keys.sign(TYPE, &claims)?
        } else {
            String::new()
        };
        let texts = Texts::new([
            name,
            &Challenge::beginning(&server.resource.metadata_url()),
            &printable(seen.text(Part::Subject)),
            &printable(seen.text(Part::Name)),
            &printable(seen.text(Part::Email)),
            &printable(seen.text(Part::Client)),
            &printable(scopes),
            &signed,
            resource,
        ]);
        let texts = texts.ok_or_else(|| Error::Internal("an identity is too long".into()))?;
        Ok(Identity { made_at: now, texts })
    }
}

fn printable(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if u8::try_from(c).is_ok_and(plain) { c } else { '?' }).collect()
}
