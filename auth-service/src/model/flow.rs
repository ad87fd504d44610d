//! What is stored while a person is asked: between the request and the code.

use serde::{Deserialize, Serialize};

use super::{
    AuthorizationRequest, Client, ClientId, Fingerprint, Identifier, RedirectUri, ResourceUri,
    Scopes, UnixTime, User,
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
    /// To choose an account.
    SelectAccount,
    /// To log in again.
    Login,
    /// To see no page at all.
    None,
}

/// An authorization request under way, from the consent page to the answer. The browser of the
/// requester keeps it, sealed; the server stores nothing for it, since anybody can cause one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAuthorization {
    /// Names the flow, over all of its pages.
    pub id: Identifier,
    /// What was asked.
    pub request: AuthorizationRequest,
    /// How it was asked (`prompt` of OpenID Connect Core §3.1.2.1).
    #[serde(default)]
    pub prompt: Prompt,
    /// `true` if the login provider is to ask which account to use.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pick_account: bool,
    /// The account that logged in during this flow and may not use what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The registration of a client that nobody has consented to yet. It may be evicted from the
    /// store meanwhile and is put back at the consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Client>,
    /// The browser that the flow is bound to.
    pub browser: Fingerprint,
    /// How far it has come.
    pub stage: Stage,
    /// When this stage ends.
    pub expires_at: UnixTime,
}

/// How far a pending authorization has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The consent page is open; the form has to return the token of this fingerprint.
    AwaitingConsent {
        /// The token of the form.
        csrf: Fingerprint,
    },
    /// The person consented and is at the login provider.
    AtProvider {
        /// The `state` that the provider returns.
        state: Fingerprint,
        /// Our PKCE verifier towards the provider (RFC 7636 §4.1).
        verifier: String,
        /// The revocations that had taken place when the person consented.
        revocations: Revocations,
    },
}

/// The latest revocations that concern one request, as opaque marks: of everything, of its client
/// and of its servers. Another mark later means that the request was revoked meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revocations(pub Vec<Option<String>>);

impl Revocations {
    /// Returns `true` if none has taken place between `self` and `later`. A mark that has ended says
    /// nothing: it outlives every request that began before it.
    #[must_use]
    pub fn are_still(&self, later: &Self) -> bool {
        self.0.len() == later.0.len()
            && self.0.iter().zip(&later.0).all(|(before, now)| now.is_none() || now == before)
    }
}

/// A person who is logged in at this server in one browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Who.
    pub user: User,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// The answer to the last step of a flow, kept for a browser that asks again. What it gave out is not
/// in it, and is derived from `salt` and a secret of the step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRecord {
    /// The browser that gets it again.
    pub browser: Fingerprint,
    /// The salt of the code and of the cookie.
    pub salt: String,
    /// The request that was answered.
    pub request: AuthorizationRequest,
    /// The person who allowed it.
    pub user: User,
    /// Whether the person was logged in by it.
    pub logged_in: bool,
    /// Until when the answer is repeated.
    pub expires_at: UnixTime,
}

/// What a person allowed a client before; nothing is issued by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRecord {
    /// Who.
    pub user: User,
    /// Whom.
    pub client_id: ClientId,
    /// The name that the client had.
    #[serde(default)]
    pub client_name: String,
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
    /// What was allowed: the request of the device, with the server that the person chose if it named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<AuthorizationRequest>,
    /// The step in which it was decided: only the same step may decide it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Fingerprint>,
    /// When the device can no longer ask.
    pub expires_at: UnixTime,
}
