//! Checked authorization requests, and the way in which each is answered.

use serde::{Deserialize, Serialize};

use super::{ClientId, Fingerprint, RedirectUri, ResourceUri, Scopes};

/// A checked authorization request (RFC 6749 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The client that sent the request.
    pub client_id: ClientId,
    /// The client's display name at the time of the request.
    pub client_name: String,
    /// The requested servers (RFC 8707).
    pub resources: Vec<ResourceUri>,
    /// The requested scopes (RFC 6749 §3.3).
    pub scopes: Scopes,
    /// The way in which the client gets the outcome.
    pub reply: Reply,
}

/// The way in which a client gets the outcome of its authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A redirect to the client (RFC 6749 §4.1.2).
    Redirect(Redirect),
    /// Polling of the token endpoint by a device (RFC 8628 §3.4).
    Device(Device),
}

/// The redirect target of an authorization response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// The redirect URI that receives the response.
    pub uri: RedirectUri,
    /// The client's `state` parameter, returned unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The S256 code challenge (RFC 7636 §4.2).
    pub code_challenge: String,
}

/// A device that polls for the user's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The fingerprint of its device code.
    pub code: Fingerprint,
    /// The user code that the device displays.
    pub user_code: String,
}
