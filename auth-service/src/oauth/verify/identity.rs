//! Who asks, as the server behind gets told: in plain headers, and in a JWT (RFC 7519) of a minute in
//! `X-MCP-Identity`, so that a server that is reached around the gateway can tell. The JWT opens
//! nothing: its type is not that of an access token (RFC 8725 §3.11).

use std::{
    borrow::Cow,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use actix_web::http::header::HeaderValue;
use quick_cache::{Equivalent, sync::Cache};
use serde::Serialize;

use super::seen_token::{Part, SeenToken};
use crate::{
    model::{Fingerprint, McpServer, UnixTime},
    oauth::{Challenge, Error, Verifier, packed_strings::Texts},
};

/// The type of the token (RFC 8725 §3.11).
const TYPE: &str = "mcp-identity+jwt";

const LIFE: Duration = Duration::from_mins(1);

/// For how many seconds one signature is used: what is left then is for the way to the server.
const USE: i64 = 30;

/// The most that are remembered; some two kilobytes each.
const CAPACITY: usize = 4_096;

/// What is said of who may go on. Each text is printable ASCII, which every hop reads alike, with `?`
/// for all else; what is not known is empty.
#[derive(Debug)]
pub struct Identity {
    made_at: UnixTime,
    /// The name of the server that the token was checked for. What serves the request must take
    /// this one, and not choose by host and path a second time.
    pub server: HeaderValue,
    /// What a challenge of this server begins with, for what is refused behind us.
    pub challenge: HeaderValue,
    /// `sub`.
    pub subject: HeaderValue,
    /// Login name.
    pub name: HeaderValue,
    /// E-mail address.
    pub email: HeaderValue,
    /// The client.
    pub client: HeaderValue,
    /// The scopes of the token, and those that they include.
    pub scopes: HeaderValue,
    /// All of it in a form that proves itself, unless that is off.
    pub signed: HeaderValue,
}

/// What was said lately.
pub(in crate::oauth) struct Identities(Cache<Key, Arc<Identity>>);

impl Default for Identities {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

/// All that an identity depends on: name and URL of the server, the id of the access token, which stands
/// for all that the token says, and the scopes at that server.
type Asked<'a> = [&'a str; SAID];

const SAID: usize = 4;

struct Key(Texts<SAID>);

impl Key {
    fn said(&self) -> Asked<'_> {
        std::array::from_fn(|at| self.0.str(at))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.said() == other.said()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.said().hash(state);
    }
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.said()
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
    /// The feed of ended grants names this hash when the grant ends; it does not give the id away.
    grant_hash: Fingerprint,
    /// The same for the access token alone.
    token_hash: Fingerprint,
    /// When the access token ends.
    token_exp: UnixTime,
    iat: UnixTime,
    exp: UnixTime,
}

impl Verifier {
    /// The identity of who has `seen` at `server`, holding `scopes` there.
    pub(in crate::oauth) fn identity(
        &self,
        seen: &SeenToken,
        server: &McpServer,
        scopes: &str,
        now: UnixTime,
    ) -> Result<Arc<Identity>, Error> {
        let said: Asked<'_> =
            [server.name.as_str(), server.resource.as_str(), seen.text(Part::Jti), scopes];
        if let Some(known) = self.identities.0.get(&said)
            && (0..USE).contains(&(now.0 - known.made_at.0))
        {
            return Ok(known);
        }
        let identity = Arc::new(self.new_identity(seen, server, scopes, now)?);
        let key = Texts::new(said).ok_or_else(|| Error::Internal("an endless identity".into()))?;
        self.identities.0.insert(Key(key), Arc::clone(&identity));
        Ok(identity)
    }

    fn new_identity(
        &self,
        seen: &SeenToken,
        server: &McpServer,
        scopes: &str,
        now: UnixTime,
    ) -> Result<Identity, Error> {
        let [subject, name, email, client] =
            [Part::Subject, Part::Name, Part::Email, Part::Client].map(|part| seen.text(part));
        let signed = if self.core.config.signed_identity {
            let hash = |part| Fingerprint::of(seen.text(part));
            let claims = Claims {
                iss: self.core.config.issuer.as_str(),
                aud: server.resource.as_str(),
                sub: subject,
                preferred_username: name,
                email,
                client_id: client,
                scope: scopes,
                mcp_server: server.name.as_str(),
                grant_hash: hash(Part::Grant),
                token_hash: hash(Part::Jti),
                token_exp: seen.expires_at,
                iat: now,
                exp: now.plus(LIFE),
            };
            self.core.keys.sign(TYPE, &claims)?
        } else {
            String::new()
        };
        let value = |text| {
            HeaderValue::from_str(&printable(text))
                .map_err(|_| Error::Internal("an identity that no header can hold".into()))
        };
        Ok(Identity {
            made_at: now,
            server: value(server.name.as_str())?,
            challenge: value(&Challenge::beginning(&server.resource.metadata_url()))?,
            subject: value(subject)?,
            name: value(name)?,
            email: value(email)?,
            client: value(client)?,
            scopes: value(scopes)?,
            signed: value(&signed)?,
        })
    }
}

fn printable(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if u8::try_from(c).is_ok_and(plain) { c } else { '?' }).collect()
}
