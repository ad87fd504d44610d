//! Records of grants, of their codes and of their tokens.

use serde::{Deserialize, Serialize};

use super::{AuthorizationRequest, ClientId, Identifier, ResourceUri, Scopes, UnixTime, User};

/// The record of an authorization code (RFC 6749 §4.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRecord {
    /// The authorization request that the code answers.
    pub request: AuthorizationRequest,
    /// The user who consented.
    pub user: User,
    /// The id of the grant that redeeming the code creates.
    pub grant: Identifier,
    /// The expiry of the code.
    pub expires_at: UnixTime,
}

/// The access that a user granted to a client. Revoking the grant revokes all its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The id of the grant.
    pub id: Identifier,
    /// The user who granted the access.
    pub user: User,
    /// The client with the access.
    pub client_id: ClientId,
    /// The client's display name.
    pub client_name: String,
    /// The servers that the grant covers.
    pub resources: Vec<ResourceUri>,
    /// The scopes that the grant covers.
    pub scopes: Scopes,
    /// The time of the consent.
    pub created_at: UnixTime,
    /// The expiry, which each refresh postpones.
    pub expires_at: UnixTime,
    /// The latest possible expiry, which no refresh postpones. Without it, there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<UnixTime>,
}

impl Grant {
    /// Extends the grant to `end`, but not beyond `ends_at`.
    pub fn extend(&mut self, end: UnixTime) {
        self.expires_at = self.ends_at.map_or(end, |last| end.min(last));
    }
}

/// The record of a refresh token, one in the rotation chain of its grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRecord {
    /// The id of the token's grant.
    pub grant: Identifier,
    /// The expiry of the refresh token.
    pub expires_at: UnixTime,
}

/// The record of an issued access token, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRecord {
    /// The `jti` claim (RFC 7519 §4.1.7).
    pub jti: Identifier,
    /// The id of the token's grant.
    pub grant: Identifier,
    /// The subject of the user who granted the access, or of the client acting for itself.
    pub subject: String,
    /// The login name of the user.
    pub name: String,
    /// The client that the token was issued to.
    pub client_id: ClientId,
    /// The servers in the audience of the token.
    pub resources: Vec<ResourceUri>,
    /// The scopes of the token.
    pub scopes: Scopes,
    /// The time of issue.
    pub issued_at: UnixTime,
    /// The expiry of the access token.
    pub expires_at: UnixTime,
}
