//! The token with which this gateway asks a login provider about a person later.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::UnixTime;

/// The token of a login provider for one person. It is stored in sealed form only.
#[derive(Clone, Debug, Default)]
pub struct ProviderToken {
    /// The access token, if it is used more than once, as at GitHub.
    pub access: Option<SecretString>,
    /// The refresh token (RFC 6749 §1.5).
    pub refresh: Option<SecretString>,
    /// The expiry of the access token. With `None`, it does not expire.
    pub access_expires_at: Option<UnixTime>,
}

impl ProviderToken {
    /// Creates a token that consists of a refresh token.
    #[must_use]
    pub fn of_refresh(token: SecretString) -> Self {
        Self { refresh: Some(token), ..Self::default() }
    }
}

/// The form inside a sealed record.
#[derive(Serialize, Deserialize)]
struct Plain {
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_expires_at: Option<UnixTime>,
}

impl Serialize for ProviderToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |secret: &Option<SecretString>| {
            secret.as_ref().map(|secret| secret.expose_secret().to_owned())
        };
        let access_expires_at = self.access_expires_at;
        Plain { access: text(&self.access), refresh: text(&self.refresh), access_expires_at }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ProviderToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Plain { access, refresh, access_expires_at } = Plain::deserialize(deserializer)?;
        Ok(Self {
            access: access.map(Into::into),
            refresh: refresh.map(Into::into),
            access_expires_at,
        })
    }
}
