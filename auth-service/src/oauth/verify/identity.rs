//! The identity of the caller, as passed to the upstream server.
//!
//! It is sent in plain headers and as a JWT (RFC 7519) in `X-MCP-Identity`, which lives for one
//! minute. The JWT lets a server detect requests that bypass the gateway. It grants no access: its
//! type differs from that of an access token (RFC 8725 §3.11).

use std::{
    borrow::Cow,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use actix_web::http::header::HeaderValue;
use gateway_contract::identity::{Claims, TYPE};
use quick_cache::{Equivalent, sync::Cache};

use super::{
    cached_token::{CachedToken, Part},
    judgement::Judgement,
};
use crate::{
    model::{Fingerprint, McpServer, UnixTime},
    oauth::{Challenge, Error, Verifier, packed_strings::PackedStrings},
};

const LIFE: Duration = Duration::from_mins(1);

/// The period in which a signed identity is reused, in seconds.
///
/// The rest of its lifetime covers the transmission to the server.
const USE: i64 = 30;

/// The maximum number of cached identities, at about two kilobytes each.
const CAPACITY: usize = 4_096;

/// The response headers that identify an admitted caller.
///
/// Each value is printable ASCII, with `?` for other characters, so that all hops read it alike. An
/// unknown value is empty.
#[derive(Debug)]
pub struct Identity {
    made_at: UnixTime,
    /// The answer of the policy that the signed lists of tools are from.
    judgement: Arc<Judgement>,
    /// The name of the server that the token was verified for.
    ///
    /// The component that serves the request must use this server, and must not select one by host and
    /// path again.
    pub server: HeaderValue,
    /// The start of a challenge of this server, for denials by the proxy behind the gateway.
    pub challenge: HeaderValue,
    /// The subject of the access token (`sub`).
    pub subject: HeaderValue,
    /// The login name of the person.
    pub name: HeaderValue,
    /// The e-mail address of the person.
    pub email: HeaderValue,
    /// The id of the client.
    pub client: HeaderValue,
    /// The scopes of the token, and those that they include.
    pub scopes: HeaderValue,
    /// The signed JWT with these values, or an empty value if signing is disabled.
    pub signed: HeaderValue,
}

/// The cache of recently signed identities.
pub(in crate::oauth) struct Identities(Cache<CacheKey, Arc<Identity>>);

impl Default for Identities {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

/// The cache key of an identity: server name, server URL, id of the access token, and scopes.
///
/// The id stands for all claims of the token. The scopes are those at the server.
type Asked<'a> = [&'a str; CLAIMS];

const CLAIMS: usize = 4;

struct CacheKey(PackedStrings<CLAIMS>);

impl CacheKey {
    fn said(&self) -> Asked<'_> {
        std::array::from_fn(|at| self.0.str(at))
    }
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.said() == other.said()
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.said().hash(state);
    }
}

impl Equivalent<CacheKey> for Asked<'_> {
    fn equivalent(&self, key: &CacheKey) -> bool {
        *self == key.said()
    }
}

impl Verifier {
    /// Returns the identity of the caller with the `token` at `server`, with its `scopes` there.
    ///
    /// Reuses a cached identity that was signed recently.
    pub(in crate::oauth) fn identity(
        &self,
        token: &CachedToken,
        server: &McpServer,
        (scopes, judgement): (&str, &Arc<Judgement>),
        now: UnixTime,
    ) -> Result<Arc<Identity>, Error> {
        let said: Asked<'_> =
            [server.name.as_str(), server.resource.as_str(), token.text(Part::Jti), scopes];
        if let Some(known) = self.identities.0.get(&said)
            && (0..USE).contains(&(now.0 - known.made_at.0))
            && Arc::ptr_eq(&known.judgement, judgement)
        {
            return Ok(known);
        }
        let identity = Arc::new(self.new_identity(token, server, (scopes, judgement), now)?);
        let key = PackedStrings::new(said)
            .ok_or_else(|| Error::Internal("identity is too large".into()))?;
        self.identities.0.insert(CacheKey(key), Arc::clone(&identity));
        Ok(identity)
    }

    fn new_identity(
        &self,
        token: &CachedToken,
        server: &McpServer,
        (scopes, judgement): (&str, &Arc<Judgement>),
        now: UnixTime,
    ) -> Result<Identity, Error> {
        let [subject, name, email, client] =
            [Part::Subject, Part::Name, Part::Email, Part::Client].map(|part| token.text(part));
        let signed = if self.core.config.signed_identity {
            let hash = |part| Some(Fingerprint::of(token.text(part)).as_str().to_owned().into());
            let seconds = |time: UnixTime| u64::try_from(time.0).unwrap_or(0);
            let claims = Claims {
                iss: self.core.config.issuer.as_str().into(),
                aud: server.resource.as_str().into(),
                sub: subject.into(),
                preferred_username: name.into(),
                email: email.into(),
                client_id: client.into(),
                client_name: token.text(Part::ClientName).into(),
                scope: scopes.into(),
                mcp_server: server.name.as_str().into(),
                grant_hash: hash(Part::Grant),
                token_hash: hash(Part::Jti),
                token_exp: Some(seconds(token.expires_at)),
                tools_allow: judgement.tools_allow(),
                tools_deny: judgement.tools_deny(),
                iat: seconds(now),
                exp: seconds(now.plus(LIFE)),
            };
            self.core.keys.sign(TYPE, &claims)?
        } else {
            String::new()
        };
        let value = |text| {
            HeaderValue::from_str(&printable(text))
                .map_err(|_| Error::Internal("identity is not a valid header value".into()))
        };
        Ok(Identity {
            made_at: now,
            judgement: Arc::clone(judgement),
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
