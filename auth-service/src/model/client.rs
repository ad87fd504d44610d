//! A registered client and its metadata (RFC 7591 §2).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use super::{Fingerprint, Identifier, RedirectUri, ResourceUri, Scopes, UnixTime};

/// A client identifier (RFC 6749 §2.2).
pub type ClientId = Identifier;

/// How a client proves itself at the token endpoint (RFC 7591 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A public client.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1): the default of RFC 7591 §2.
    #[default]
    ClientSecretBasic,
    /// Secret in the form (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// A JWT signed with a key of the client (RFC 7523 §2.2).
    PrivateKeyJwt,
}

impl AuthMethod {
    /// As RFC 7591 §2 spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Returns `true` if both prove the same: the place where the secret stands makes no difference.
    #[must_use]
    fn is_like(self, other: Self) -> bool {
        self == other || self.has_secret() && other.has_secret()
    }

    /// Whether the client has a secret of ours.
    #[must_use]
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

/// What a client says about itself; a member that it left out stays out of every answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// Where it may be redirected to.
    #[serde(default)]
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    /// The methods it can use, for a server that fetches its document to choose from (OpenID Connect
    /// Relying Party Metadata Choices); a registration has its one method.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The algorithm it signs assertions with (OpenID Connect Registration §2); any, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Its public keys (RFC 7517), as it wrote them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where its public keys are; not with `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// What it may do at the token endpoint.
    #[serde(default = "default_grant_types")]
    pub grant_types: Vec<String>,
    /// What it may ask of the authorization endpoint.
    #[serde(default = "default_response_types")]
    pub response_types: Vec<String>,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Its home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its picture; never loaded by us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Scopes it means to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scopes>,
    /// Whom to write to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    /// Its terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Its privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// `web` or `native` (OpenID Connect Registration §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// Its software, over versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The version of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// The texts for people in other languages, as `client_name#de` (RFC 7591 §2.2).
    #[serde(flatten, deserialize_with = "localized")]
    pub localized: BTreeMap<String, String>,
}

/// Out of members that are no field, those of RFC 7591 §2.2: a name, `#` and a language tag
/// (BCP 47).
fn localized<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, String>, D::Error> {
    let others = BTreeMap::<String, Value>::deserialize(source)?;
    let mut texts = BTreeMap::new();
    for (name, value) in others.into_iter().filter(|(name, _)| is_localized(name)) {
        match value {
            Value::String(text) => drop(texts.insert(name, text)),
            Value::Null => {}
            _ => return Err(D::Error::custom("a text is not a string")),
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

/// RFC 7591 §2: "If omitted, the default behavior is that the client will use only the
/// `authorization_code` Grant Type". MCP clients that leave it out still expect to refresh.
fn default_grant_types() -> Vec<String> {
    vec!["authorization_code".into(), "refresh_token".into()]
}

fn default_response_types() -> Vec<String> {
    vec!["code".into()]
}

/// A registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Its secret, unless it is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Fingerprint>,
    /// The token that manages the registration (RFC 7592); a document has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_token: Option<Fingerprint>,
    /// When it was registered.
    pub issued_at: UnixTime,
    /// When the registration ends; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixTime>,
    /// Whether the operator made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preregistered: bool,
    /// Whether nobody has consented to it yet. Such a registration may be evicted at any time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unused: bool,
    /// What it may use without a person; only the operator grants that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_access: Option<OwnAccess>,
    /// What it said about itself.
    pub metadata: ClientMetadata,
}

/// Servers and scopes that the operator chose: for a client of its own (RFC 6749 §4.4), or for a
/// personal access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAccess {
    /// The servers.
    pub resources: Vec<ResourceUri>,
    /// The scopes.
    pub scopes: Scopes,
}

/// A client metadata document, as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// What it said.
    pub metadata: ClientMetadata,
    /// Whether somebody has consented to the client.
    #[serde(default)]
    pub in_use: bool,
    /// Until when it need not be fetched again.
    pub fresh_until: UnixTime,
    /// Until when it serves if it cannot be fetched again.
    pub expires_at: UnixTime,
}

/// The keys of a client, as they were fetched from its `jwks_uri`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysRecord {
    /// The set (RFC 7517 §5).
    pub jwks: Value,
    /// When it was fetched.
    pub fetched_at: UnixTime,
    /// Until when it need not be fetched again.
    pub fresh_until: UnixTime,
    /// Until when it serves if it cannot be fetched again.
    pub expires_at: UnixTime,
}

impl Client {
    /// The name that people see.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or("An application without a name")
    }

    /// Returns `true` if it may authenticate by `method`. A secret may come in either way: libraries choose
    /// one by what the server offers, whatever was registered (RFC 6749 §2.3.1). A client that declares
    /// `private_key_jwt` has no choice, whatever else it lists
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

    /// Whether it registered for `grant_type`.
    #[must_use]
    pub fn may_use(&self, grant_type: &str) -> bool {
        self.metadata.grant_types.iter().any(|registered| registered == grant_type)
    }
}
