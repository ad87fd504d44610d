//! Registrations and refresh tokens in the storage format of mcp-oauth-gateway of 2025.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A stored registration. Lists are JSON in a string, or real lists once the registration was updated.
#[derive(Clone, Deserialize)]
pub struct OldClient {
    /// The client identifier, kept by the import.
    pub client_id: String,
    /// The client secret in clear text.
    pub client_secret: Option<String>,
    /// The time of the registration, in seconds since the Unix epoch.
    pub client_id_issued_at: Option<i64>,
    /// The registered redirect URIs.
    #[serde(default, deserialize_with = "list")]
    pub redirect_uris: Vec<String>,
    /// The display name of the client.
    pub client_name: Option<String>,
    /// The URL of the client's home page.
    pub client_uri: Option<String>,
    /// The URL of the client's logo.
    pub logo_uri: Option<String>,
    /// The URL of the client's terms of service.
    pub tos_uri: Option<String>,
    /// The URL of the client's privacy policy.
    pub policy_uri: Option<String>,
    /// The registration access token (RFC 7592) in clear text.
    pub registration_access_token: Option<String>,
}

/// The stored value of a refresh token. The token itself is part of the key.
#[derive(Clone, Deserialize)]
pub struct OldRefresh {
    /// The user's numeric GitHub id.
    #[serde(deserialize_with = "number")]
    pub user_id: String,
    /// The user's GitHub login name.
    pub username: String,
    /// The client that the token was issued to.
    pub client_id: String,
    /// The servers that the token is for. Older versions issued every token for all servers and stored
    /// none.
    #[serde(default)]
    pub resources: Vec<String>,
}

fn list<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    let read = match Value::deserialize(source)? {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) => serde_json::from_str(&text),
        value => serde_json::from_value(value),
    };
    read.map_err(|_| D::Error::custom("not a list of strings"))
}

fn number<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let text = match Value::deserialize(source)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(D::Error::custom("user_id is not a number"));
    }
    Ok(text)
}
