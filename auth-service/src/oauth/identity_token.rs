//! Who asks, for the server behind: a JWT (RFC 7519) of a minute in `X-MCP-Identity`, so that a server
//! that is reached around the gateway can tell. It opens nothing: its type is not that of an access
//! token (RFC 8725 §3.11).

use std::{hash::Hash, time::Duration};

use bytes::Bytes;
use quick_cache::{Equivalent, sync::Cache};
use serde::Serialize;

use super::{
    AuthServer, Error,
    seen_token::{Part, SeenToken},
};
use crate::model::{McpServer, UnixTime};

/// The type of the token (RFC 8725 §3.11).
const TYPE: &str = "mcp-identity+jwt";

const LIFE: Duration = Duration::from_mins(1);

/// For how many seconds one signature is used: what is left then is for the way to the server.
const USE: i64 = 30;

/// The most that are remembered; some 900 bytes each.
const CAPACITY: usize = 10_000;

/// What was signed lately, by access token and server.
pub struct IdentityTokens(Cache<Key, Signed>);

impl Default for IdentityTokens {
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

/// A signature, and what may have changed since: the catalogue says which scopes a token holds, and
/// where a server is.
#[derive(Clone)]
struct Signed {
    at: UnixTime,
    resource: String,
    scopes: Bytes,
    token: Bytes,
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
    /// The identity of who has `seen` at `server`, holding `scopes` there; empty if
    /// `SIGNED_IDENTITY` is off.
    pub(super) fn identity_token(
        &self,
        seen: &SeenToken,
        server: &McpServer,
        scopes: &Bytes,
    ) -> Result<Bytes, Error> {
        if !self.config.signed_identity {
            return Ok(Bytes::new());
        }
        let now = self.now();
        let (jti, name) = (seen.text(Part::Jti), server.name.as_str());
        let resource = server.resource.as_str();
        if let Some(known) = self.identities.0.get(&Asked { jti, server: name })
            && (0..USE).contains(&(now.0 - known.at.0))
            && known.scopes == scopes
            && known.resource == resource
        {
            return Ok(known.token);
        }
        let claims = Claims {
            iss: self.config.issuer.as_str(),
            aud: resource,
            sub: seen.text(Part::Subject),
            preferred_username: seen.text(Part::Name),
            email: seen.text(Part::Email),
            client_id: seen.text(Part::Client),
            scope: std::str::from_utf8(scopes).unwrap_or_default(),
            mcp_server: name,
            iat: now,
            exp: now.plus(LIFE),
        };
        let token = Bytes::from(self.keys.sign(TYPE, &claims)?);
        let key = Key { jti: jti.to_owned(), server: name.to_owned() };
        let (resource, scopes, kept) = (resource.to_owned(), scopes.clone(), token.clone());
        self.identities.0.insert(key, Signed { at: now, resource, scopes, token: kept });
        Ok(token)
    }
}
