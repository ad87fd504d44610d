//! The signed identity of a caller, a JWT in `X-MCP-Identity` (RFC 7519).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The type of the JWT (RFC 8725 §3.11), which differs from that of an access token.
pub const TYPE: &str = "mcp-identity+jwt";

/// Claims of an identity. Times are seconds since 1970 (`NumericDate`).
#[derive(Debug, Deserialize, Serialize)]
pub struct Claims<'a> {
    /// The issuer: that of the access token.
    #[serde(default)]
    pub iss: Cow<'a, str>,
    /// The resource identifier of the server.
    #[serde(default)]
    pub aud: Cow<'a, str>,
    /// The subject of the access token.
    pub sub: Cow<'a, str>,
    /// The login name.
    #[serde(default)]
    pub preferred_username: Cow<'a, str>,
    /// The e-mail address, if it is known.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub email: Cow<'a, str>,
    /// The OAuth client.
    #[serde(default)]
    pub client_id: Cow<'a, str>,
    /// The scopes at the server, separated by blanks.
    pub scope: Cow<'a, str>,
    /// The name of the server.
    pub mcp_server: Cow<'a, str>,
    /// The hash under which the feed of ended grants names the grant. Without it the feed is not consulted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_hash: Option<Cow<'a, str>>,
    /// The hash under which the feed names the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<Cow<'a, str>>,
    /// The end of the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_exp: Option<u64>,
    /// The moment at which the identity was signed.
    #[serde(default)]
    pub iat: u64,
    /// The end of the identity.
    pub exp: u64,
}
