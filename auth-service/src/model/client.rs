//! A registered client and its metadata (RFC 7591 §2).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use super::{Fingerprint, Identifier, RedirectUri, ResourceUri, Scopes, UnixTime};

/// A client identifier (RFC 6749 §2.2).
pub type ClientId = Identifier;

/// The client authentication method at the token endpoint (RFC 7591 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// No authentication: a public client (RFC 6749 §2.1).
    None,
    /// The client secret by HTTP Basic (RFC 6749 §2.3.1), the default of RFC 7591 §2.
    #[default]
    ClientSecretBasic,
    /// The client secret in the form body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// A JWT signed with a key of the client (RFC 7523 §2.2).
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Returns the name of the method in RFC 7591 §2.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Returns `true` if both methods use the same kind of credential. Basic and form secrets are alike.
    #[must_use]
    fn is_like(self, other: Self) -> bool {
        self == other || self.has_secret() && other.has_secret()
    }

    /// Returns `true` if the method uses a client secret issued by this server.
    #[must_use]
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

/// Client metadata as the client stated it (RFC 7591 §2). Responses omit the members that it omitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// The redirect URIs that its authorization requests may use.
    #[serde(default)]
    pub redirect_uris: Vec<RedirectUri>,
    /// The authentication method that the client declares.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    /// The authentication methods of which a server may choose one, in a client metadata document (OpenID
    /// Connect Relying Party Metadata Choices). Registered clients have a single method.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The signature algorithm of its assertions (OpenID Connect Registration §2). Without it, any
    /// supported algorithm is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// The client's public keys (RFC 7517), unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The URL of the client's public keys. It excludes `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The grant types that it may use at the token endpoint.
    #[serde(default = "default_grant_types")]
    pub grant_types: Vec<String>,
    /// The response types that it may request at the authorization endpoint.
    #[serde(default = "default_response_types")]
    pub response_types: Vec<String>,
    /// The display name of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The URL of the client's home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// The URL of the client's logo, which this server never fetches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// The scopes that it intends to request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scopes>,
    /// The contacts of the client's operators, usually e-mail addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    /// The URL of the client's terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// The URL of the client's privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// The kind of application, `web` or `native` (OpenID Connect Registration §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// The identifier of its software, which stays the same across versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The version of the software in `software_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// The human-readable members in other languages, such as `client_name#de` (RFC 7591 §2.2).
    #[serde(flatten, deserialize_with = "localized")]
    pub localized: BTreeMap<String, String>,
}

/// Extracts the localized members of RFC 7591 §2.2 from the members without a field of their own. Their
/// names are a name, `#` and a language tag (BCP 47).
fn localized<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, String>, D::Error> {
    let others = BTreeMap::<String, Value>::deserialize(source)?;
    let mut texts = BTreeMap::new();
    for (name, value) in others.into_iter().filter(|(name, _)| is_localized(name)) {
        match value {
            Value::String(text) => drop(texts.insert(name, text)),
            Value::Null => {}
            _ => return Err(D::Error::custom("a localized member is not a string")),
        }
    }
    Ok(texts)
}

fn is_localized(member: &str) -> bool {
    let Some((name, tag)) = member.split_once('#') else { return false };
    matches!(name, "client_name" | "client_uri" | "logo_uri" | "tos_uri" | "policy_uri")
        && (1..=35).contains(&tag.len())
        && tag
            .split('-')
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Returns the grant types of a client that states none. RFC 7591 §2: "If omitted, the default behavior
/// is that the client will use only the `authorization_code` Grant Type". MCP clients that omit it still
/// expect to use refresh tokens.
fn default_grant_types() -> Vec<String> {
    vec!["authorization_code".into(), "refresh_token".into()]
}

fn default_response_types() -> Vec<String> {
    vec!["code".into()]
}

/// A client with its credentials and metadata, either registered or described by its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The client identifier (RFC 6749 §2.2).
    pub id: ClientId,
    /// The fingerprint of the client secret, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Fingerprint>,
    /// The fingerprint of the registration access token (RFC 7592). Clients with a metadata document have
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_token: Option<Fingerprint>,
    /// The time of the registration.
    pub issued_at: UnixTime,
    /// The expiry of the registration. Without it, the registration does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixTime>,
    /// `true` if the operator registered the client.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preregistered: bool,
    /// `true` until a user consents to the client. Such a registration may be evicted at any time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unused: bool,
    /// The access that it has without a user, by client credentials. Only the operator grants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_access: Option<OwnAccess>,
    /// The metadata that the client stated.
    pub metadata: ClientMetadata,
}

/// Access that does not come from a user's consent. The operator chose it for a client acting on its own
/// behalf (RFC 6749 §4.4) or for a personal access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAccess {
    /// The servers that may be used.
    pub resources: Vec<ResourceUri>,
    /// The scopes on these servers.
    pub scopes: Scopes,
}

/// A cached client metadata document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// The metadata in the document.
    pub metadata: ClientMetadata,
    /// `true` if a user has consented to the client.
    #[serde(default)]
    pub in_use: bool,
    /// The time until which the cached copy is used without a new fetch.
    pub fresh_until: UnixTime,
    /// The time until which the stale copy may be used if a new fetch fails.
    pub expires_at: UnixTime,
}

/// A cached key set from a client's `jwks_uri`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysRecord {
    /// The JWK set (RFC 7517 §5).
    pub jwks: Value,
    /// The time of the fetch.
    pub fetched_at: UnixTime,
    /// The time until which the cached copy is used without a new fetch.
    pub fresh_until: UnixTime,
    /// The time until which the stale copy may be used if a new fetch fails.
    pub expires_at: UnixTime,
}

impl Client {
    /// Returns the name shown to users.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or("An unnamed application")
    }

    /// Returns `true` if the client may authenticate by `method`. A secret is accepted in the header and
    /// in the form (RFC 6749 §2.3.1): libraries choose by the server's metadata and ignore the registered
    /// method. A client that declares `private_key_jwt` must use it, even if it lists other methods
    /// (draft-ietf-oauth-client-id-metadata-document §8.2).
    #[must_use]
    pub fn may_authenticate_by(&self, method: AuthMethod) -> bool {
        let declared = self.metadata.token_endpoint_auth_method;
        let choice = &self.metadata.token_endpoint_auth_methods_supported;
        let lists = |method: AuthMethod| choice.iter().any(|listed| listed == method.as_str());
        let secrets = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost];
        declared.is_like(method)
            || declared != AuthMethod::PrivateKeyJwt
                && (lists(method) || method.has_secret() && secrets.into_iter().any(lists))
    }

    /// Returns `true` if `grant_type` is among its registered grant types.
    #[must_use]
    pub fn may_use(&self, grant_type: &str) -> bool {
        self.metadata.grant_types.iter().any(|registered| registered == grant_type)
    }
}
