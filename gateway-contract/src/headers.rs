//! Names of the headers that both programs read or write, in lower case as HTTP/2 has them.

/// The MCP server that a token was checked for; the request goes to this one.
pub const SERVER: &str = "x-mcp-server";
/// The subject of the access token.
pub const USER_ID: &str = "x-user-id";
/// The login name.
pub const USER_NAME: &str = "x-user-name";
/// The e-mail address.
pub const USER_EMAIL: &str = "x-user-email";
/// The address of the client, by the rules of `X-Forwarded-For` of the gateway.
pub const CLIENT_ADDRESS: &str = "x-client-address";
/// The OAuth client.
pub const CLIENT_ID: &str = "x-client-id";
/// The granted scopes, separated by blanks.
pub const SCOPES: &str = "x-auth-scopes";
/// The beginning of the `WWW-Authenticate` challenge of the server (RFC 6750 §3).
pub const CHALLENGE: &str = "x-mcp-challenge";
/// The signed identity, see [`crate::identity`].
pub const IDENTITY: &str = "x-mcp-identity";
/// The id of the request, minted by auth-service; see [`crate::audit::Id`].
pub const REQUEST_ID: &str = "x-request-id";

/// The revision of MCP (Streamable HTTP, "Protocol Version Header").
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The method of the message (MCP 2026-07-28, "Request Metadata").
pub const METHOD: &str = "mcp-method";
/// The tool, prompt, resource or task of the message; see [`crate::header_value`] for its encoding.
pub const NAME: &str = "mcp-name";
