//! What is stored while a person is asked: between the request and the code.

use serde::{Deserialize, Serialize};

use super::{
    AuthorizationRequest, ClientId, Fingerprint, RedirectUri, ResourceUri, Scopes, UnixTime, User,
};

/// How a client learns of the answer to its authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// By the redirect of RFC 6749 §4.1.2.
    Redirect(Redirect),
    /// By asking at the token endpoint (RFC 8628 §3.4).
    Device(Device),
}

/// Where and how to redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// Where the answer goes.
    pub uri: RedirectUri,
    /// The client's `state`, returned as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2).
    pub code_challenge: String,
}

/// A device that waits for a person's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The code it asks with.
    pub code: Fingerprint,
    /// The code it shows.
    pub user_code: String,
}

/// What the client wants of the person (`prompt`); unknown values are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// What is needed.
    #[default]
    Needed,
    /// To consent again.
    Consent,
    /// To log in again.
    Login,
    /// To see no page at all.
    None,
}

/// An authorization request that waits for the person's consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// What was asked.
    pub request: AuthorizationRequest,
    /// How it was asked (`prompt` of OpenID Connect Core §3.1.2.1).
    #[serde(default)]
    pub prompt: Prompt,
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

/// A person who is logged in at this server in one browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Who.
    pub user: User,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// What a person allowed a client before; nothing is issued by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRecord {
    /// Who.
    pub user: User,
    /// Whom.
    pub client_id: ClientId,
    /// At which server. Records of earlier versions do not say it, and are worth nothing.
    #[serde(default)]
    pub resource: Option<ResourceUri>,
    /// With which scopes.
    pub scopes: Scopes,
    /// Until when it is remembered.
    pub expires_at: UnixTime,
}

/// What a device asks for (RFC 8628 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// What it asks for.
    pub request: AuthorizationRequest,
    /// When its codes end.
    pub expires_at: UnixTime,
    /// Until when it is told so, and not that it is unknown.
    pub kept_until: UnixTime,
}

/// What a person decided about a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceDecision {
    /// Who allowed it; nobody, if it was declined.
    pub user: Option<User>,
    /// When the device can no longer ask.
    pub expires_at: UnixTime,
}
