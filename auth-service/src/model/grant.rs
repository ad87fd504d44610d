//! What is stored between the steps of the authorization code flow, and what remains of it.

use serde::{Deserialize, Serialize};

use super::{ClientId, Fingerprint, Identifier, RedirectUri, ResourceUri, Scopes, UnixTime, User};

/// A checked authorization request (RFC 6749 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Its name for people, as it was when it asked.
    pub client_name: String,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// The client's `state`, returned as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2).
    pub code_challenge: String,
    /// The servers it wants to use (RFC 8707).
    pub resources: Vec<ResourceUri>,
    /// The scopes it wants.
    pub scopes: Scopes,
}

/// An authorization request that waits for the person's consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// What was asked.
    pub request: AuthorizationRequest,
    /// The browser that the page was shown in.
    pub browser: Fingerprint,
    /// What the form must bring back.
    pub csrf: Fingerprint,
    /// How often a login code may still be tried.
    pub attempts_left: u8,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// A consented request whose person is at the login provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRecord {
    /// What was asked.
    pub request: AuthorizationRequest,
    /// The browser that consented.
    pub browser: Fingerprint,
    /// Our PKCE verifier towards the provider; it has to be presented, so it is kept as it is.
    pub verifier: String,
    /// When it ends.
    pub expires_at: UnixTime,
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
