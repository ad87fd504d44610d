//! What is asked for, and what remains of it once it is granted.

use serde::{Deserialize, Serialize};

use super::{ClientId, Identifier, Reply, ResourceUri, Scopes, UnixTime, User};

/// A checked authorization request (RFC 6749 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Its name for people, as it was when it asked.
    pub client_name: String,
    /// The servers it wants to use (RFC 8707).
    pub resources: Vec<ResourceUri>,
    /// The scopes it wants.
    pub scopes: Scopes,
    /// How it learns of the answer.
    pub reply: Reply,
}

/// What an authorization code stands for (RFC 6749 §4.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRecord {
    /// What was asked.
    pub request: AuthorizationRequest,
    /// Who consented.
    pub user: User,
    /// The grant it becomes.
    pub grant: Identifier,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// What a person granted to a client; every token of it ends with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: Identifier,
    /// Who granted.
    pub user: User,
    /// To whom.
    pub client_id: ClientId,
    /// The client's name for people.
    pub client_name: String,
    /// For which servers.
    pub resources: Vec<ResourceUri>,
    /// With which scopes.
    pub scopes: Scopes,
    /// Since when.
    pub created_at: UnixTime,
    /// Until when, unless it is used again.
    pub expires_at: UnixTime,
    /// The moment that no use postpones; there is none, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<UnixTime>,
}

impl Grant {
    /// Moves its end to `end`, or to the moment that no use postpones.
    pub fn extend(&mut self, end: UnixTime) {
        self.expires_at = self.ends_at.map_or(end, |last| end.min(last));
    }
}

/// A refresh token: one link in the chain of its grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRecord {
    /// The grant.
    pub grant: Identifier,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// An access token that was issued, without the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRecord {
    /// Its `jti` (RFC 7519 §4.1.7).
    pub jti: Identifier,
    /// The grant.
    pub grant: Identifier,
    /// Who granted.
    pub subject: String,
    /// Their login name.
    pub name: String,
    /// To whom.
    pub client_id: ClientId,
    /// For which servers.
    pub resources: Vec<ResourceUri>,
    /// With which scopes.
    pub scopes: Scopes,
    /// Since when.
    pub issued_at: UnixTime,
    /// Until when.
    pub expires_at: UnixTime,
}
