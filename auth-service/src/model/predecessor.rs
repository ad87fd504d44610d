//! Registrations and refresh tokens as mcp-oauth-gateway of 2025 wrote them down.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A registration. Lists are JSON within a text, until an update made them lists.
#[derive(Clone, Deserialize)]
pub struct OldClient {
    /// Its id.
    pub client_id: String,
    /// Its secret, in clear.
    pub client_secret: Option<String>,
    /// When it was registered.
    pub client_id_issued_at: Option<i64>,
    /// Where it may be redirected to.
    #[serde(default, deserialize_with = "list")]
    pub redirect_uris: Vec<String>,
    /// Its name for people.
    pub client_name: Option<String>,
    /// Its home page.
    pub client_uri: Option<String>,
    /// Its picture.
    pub logo_uri: Option<String>,
    /// Its terms of service.
    pub tos_uri: Option<String>,
    /// Its privacy policy.
    pub policy_uri: Option<String>,
    /// The token that manages the registration, in clear.
    pub registration_access_token: Option<String>,
}

/// A refresh token, which is its key.
#[derive(Clone, Deserialize)]
pub struct OldRefresh {
    /// GitHub's number of the person.
    #[serde(deserialize_with = "number")]
    pub user_id: String,
    /// Their login name.
    pub username: String,
    /// The client.
    pub client_id: String,
    /// The servers; older versions gave every token to all of them and wrote down none.
    #[serde(default)]
    pub resources: Vec<String>,
}

fn list<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    let read = match Value::deserialize(source)? {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) => serde_json::from_str(&text),
        value => serde_json::from_value(value),
    };
    read.map_err(|_| D::Error::custom("a list of texts is something else"))
}

fn number<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let text = match Value::deserialize(source)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(D::Error::custom("user_id is no number"));
    }
    Ok(text)
}
