//! Records of authorization flows, from the request to the code.

use serde::{Deserialize, Serialize};

use super::{
    AuthorizationRequest, Client, ClientId, Fingerprint, Generation, Identifier, ProviderName,
    ResourceUri, Scopes, SignInPlace, UnixTime, User,
};

/// The `prompt` parameter of an authorization request. Unknown values are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// No prompt is requested, so that only the necessary pages are shown.
    #[default]
    Needed,
    /// The user is to consent again.
    Consent,
    /// The user is to choose an account.
    SelectAccount,
    /// The user is to log in again.
    Login,
    /// The user is to see no page at all.
    None,
}

/// An authorization request in progress, from the consent page to the response. It is kept encrypted in
/// the requesting browser. The server stores nothing for it, because anonymous callers can create any
/// number of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAuthorization {
    /// The id of the flow, the same on all its pages.
    pub id: Identifier,
    /// The checked authorization request.
    pub request: AuthorizationRequest,
    /// The `prompt` of the request (OpenID Connect Core §3.1.2.1).
    #[serde(default)]
    pub prompt: Prompt,
    /// `true` if the login provider should show its account chooser.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pick_account: bool,
    /// The account that logged in during this flow but may not use the requested servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The registration of a client without any consent yet. The store may evict it during the flow, and
    /// the consent restores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Client>,
    /// The fingerprint of the browser session that the flow is bound to.
    pub browser: Fingerprint,
    /// The current stage of the flow.
    pub stage: Stage,
    /// The expiry of the current stage.
    pub expires_at: UnixTime,
}

/// The stage of a pending authorization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The consent page is open, and its form has to return the CSRF token.
    AwaitingConsent {
        /// The fingerprint of the CSRF token in the form.
        csrf: Fingerprint,
    },
    /// The user has consented and is at the login provider.
    AtProvider(ProviderLogin),
}

/// A login of a user at the login provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderLogin {
    /// The name of the provider. Its callback alone is awaited.
    #[serde(default = "ProviderName::github", skip_serializing_if = "ProviderName::is_github")]
    pub provider: ProviderName,
    /// The fingerprint of the `state` that the provider returns.
    pub state: Fingerprint,
    /// Our PKCE code verifier for the provider (RFC 7636 §4.1).
    pub verifier: String,
    /// The generation of the consent. A later revocation ends the flow.
    #[serde(default, skip_serializing_if = "Generation::is_first")]
    pub generation: Generation,
    /// The marks that the previous version compares instead.
    #[serde(default)]
    pub revocations: NoMarks,
}

/// The marks of revocations that the previous version reads from a pending authorization: none, for
/// everything, the client, and each server. With them, an instance of that version can finish the flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoMarks(Vec<Option<String>>);

impl NoMarks {
    /// Returns the marks for `request`.
    #[must_use]
    pub fn of(request: &AuthorizationRequest) -> Self {
        Self(vec![None; 2 + request.resources.len()])
    }
}

/// The record of a user's login session in one browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The user who is logged in.
    pub user: User,
    /// The login session at the provider, which a logout token may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_session: Option<Fingerprint>,
    /// The time and place of the sign-in. Records of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SignInPlace>,
    /// The generation of the record.
    #[serde(default, skip_serializing_if = "Generation::is_first")]
    pub generation: Generation,
    /// The expiry of the session.
    pub expires_at: UnixTime,
}

/// The outcome of the last step of a flow, kept so that a repeated request of the browser gets the same
/// response. The issued code and cookie are not stored; they are derived from `salt` and a secret of the
/// step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRecord {
    /// The fingerprint of the browser session that may repeat the request.
    pub browser: Fingerprint,
    /// The salt from which the code and the cookie are derived.
    pub salt: String,
    /// The authorization request that was answered.
    pub request: AuthorizationRequest,
    /// The user who allowed the request.
    pub user: User,
    /// `true` if the step also started a login session.
    pub logged_in: bool,
    /// The generation of the record.
    #[serde(default, skip_serializing_if = "Generation::is_first")]
    pub generation: Generation,
    /// The time until which the response can be repeated.
    pub expires_at: UnixTime,
}

/// A remembered consent of a user to a client. It spares the user the question; it issues no tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// The user who consented.
    pub user: User,
    /// The client that the consent is for.
    pub client_id: ClientId,
    /// The client's display name at the time of the consent.
    #[serde(default)]
    pub client_name: String,
    /// The server that the consent is for. Records of earlier versions lack it and are ignored.
    #[serde(default)]
    pub resource: Option<ResourceUri>,
    /// The scopes that the consent covers.
    pub scopes: Scopes,
    /// The generation of the record.
    #[serde(default, skip_serializing_if = "Generation::is_first")]
    pub generation: Generation,
    /// The expiry of the remembered consent.
    pub expires_at: UnixTime,
}

/// The record of a device authorization request (RFC 8628 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// The authorization request of the device.
    pub request: AuthorizationRequest,
    /// The generation of the record.
    #[serde(default, skip_serializing_if = "Generation::is_first")]
    pub generation: Generation,
    /// The expiry of the device code and the user code.
    pub expires_at: UnixTime,
    /// The time until which the device is told that its code has expired. Later, the code is unknown.
    pub kept_until: UnixTime,
}

/// The user's decision about a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceDecision {
    /// The user who allowed the request, or `None` if it was declined.
    pub user: Option<User>,
    /// The allowed request. If the device named no server, it contains the one that the user chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<AuthorizationRequest>,
    /// The step that made the decision. Only a repetition of that step may decide again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Fingerprint>,
    /// The generation of the record.
    #[serde(default, skip_serializing_if = "Generation::is_first")]
    pub generation: Generation,
    /// The time after which the device can no longer poll.
    pub expires_at: UnixTime,
}
