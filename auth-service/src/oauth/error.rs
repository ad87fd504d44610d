//! Errors of the protocol and their error codes on the wire.

use std::borrow::Cow;

use super::step_fault::StepFault;
use crate::{keys, model, store, upstream};

/// A failed protocol step.
///
/// `Display` is the `error_description` that the client receives. `source()` goes to the log only.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is malformed (RFC 6749 §5.2).
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// A step of the person at the browser cannot be continued.
    #[error("{0}")]
    Step(StepFault),
    /// The client did not register the redirect URI of the request, given here in quotes.
    #[error("redirect_uri {0} is not registered for this client")]
    UnregisteredRedirectUri(String),
    /// The request body exceeds the size limit.
    #[error("the request body is too large")]
    BodyTooLarge,
    /// The framing of the request body is invalid (RFC 9112 §7), or the body is incomplete.
    #[error("the request body is malformed or incomplete")]
    BodyMalformed,
    /// The client stalled while sending the request body.
    #[error("the request body did not arrive in time")]
    BodyTooSlow,
    /// The request body has a content coding such as gzip (RFC 9110 §8.4).
    #[error("the request body must be sent without a Content-Encoding")]
    BodyCoded,
    /// Client authentication failed. The message is the same for every cause.
    #[error("client authentication failed")]
    InvalidClient,
    /// The metadata document or the keys of the client, published at this host, are unusable.
    ///
    /// The message is the same for every cause, so that clients cannot probe networks with this server.
    #[error("the metadata or keys that this client publishes at {0} are unusable; try again later")]
    ClientDocument(String),
    /// The configuration forbids client metadata documents from this host.
    #[error("client metadata documents from {0} are not accepted by this gateway")]
    DocumentNotAccepted(String),
    /// The code, refresh token or device code is not valid. The source names the cause.
    #[error("the grant is invalid, expired, revoked, or was issued to another client")]
    InvalidGrant(#[source] GrantFault),
    /// The initial access token or the registration access token is wrong (RFC 6750 §3.1).
    #[error("the initial access token or registration access token is missing or invalid")]
    InvalidToken,
    /// The number of clients reached `MAX_CLIENTS`, and none of them can be evicted.
    #[error("the maximum number of clients is registered; try again later")]
    TooManyClients,
    /// The client is not registered for the grant type (RFC 6749 §5.2).
    #[error("{0}")]
    UnauthorizedClient(&'static str),
    /// The server does not support the grant type (RFC 6749 §5.2).
    #[error("grant_type is not supported; see grant_types_supported in the server metadata")]
    UnsupportedGrantType,
    /// The response type is not `code` (RFC 6749 §4.1.2.1).
    #[error("response_type must be code")]
    UnsupportedResponseType,
    /// The scope is malformed or exceeds the grant (RFC 6749 §5.2).
    #[error("{0}")]
    InvalidScope(&'static str),
    /// The resource indicator names no server, or none of the grant (RFC 8707 §2).
    #[error("{0}")]
    InvalidTarget(&'static str),
    /// The person or the policy denied the request.
    #[error("{0}")]
    AccessDenied(&'static str),
    /// The policy denies access to the account with this name.
    #[error("this account is not allowed to use this server")]
    NotAllowed(String),
    /// A redirect URI cannot be registered (RFC 7591 §3.2.2).
    #[error("{0}")]
    InvalidRedirectUri(Cow<'static, str>),
    /// The client metadata is invalid (RFC 7591 §3.2.2).
    #[error("{0}")]
    InvalidClientMetadata(Cow<'static, str>),
    /// The registration request is not `application/json` (RFC 7591 §3.1).
    #[error("Content-Type must be application/json")]
    NotJson,
    /// `prompt=none` without a login session (OpenID Connect Core §3.1.2.6).
    #[error("the user must log in, which prompt=none does not allow")]
    LoginRequired,
    /// `prompt=none` without a remembered consent (OpenID Connect Core §3.1.2.6).
    #[error("the user must consent, which prompt=none does not allow")]
    ConsentRequired,
    /// `prompt=none`, although a page must be shown (OpenID Connect Core §3.1.2.6).
    #[error("user interaction is required")]
    InteractionRequired,
    /// The person has not decided about the device yet (RFC 8628 §3.5).
    #[error("the user has not decided yet; continue polling")]
    AuthorizationPending,
    /// The device polls too often (RFC 8628 §3.5).
    #[error("the polling interval is too short; increase it by 5 seconds")]
    SlowDown,
    /// The device code has expired (RFC 8628 §3.5).
    #[error("device_code has expired; send a new device authorization request")]
    ExpiredToken,
    /// A concurrent request occupies a needed resource.
    #[error("the server is busy; try again")]
    Busy,
    /// The login provider is unavailable.
    #[error("the login provider cannot be reached; try again")]
    Provider(#[source] upstream::ProviderError),
    /// The login provider rejected the person. The message tells them the reason.
    #[error("{0}")]
    LoginRefused(&'static str, #[source] upstream::ProviderError),
    /// The login provider rejected the credentials or settings of this server.
    #[error("the login provider is misconfigured; the operator finds the cause in the server log")]
    ProviderSetup(#[source] upstream::ProviderError),
    /// The login provider was not reached for so long that the facts about the person are out of date.
    #[error("the login provider cannot be asked about this account; try again")]
    FactsUnknown,
    /// A store operation failed.
    #[error("the server cannot reach its storage; try again")]
    Store(#[from] store::Error),
    /// A rate limit is exceeded. The value is the time to wait.
    ///
    /// RFC 6749 has no error code for this case. `temporarily_unavailable` is the only one of its codes
    /// that invites a retry. Clients drop their registration on `invalid_client`, drop their tokens on
    /// `invalid_grant`, and restart the flow on `server_error`.
    #[error("too many requests; try again in {} s", .0.as_secs())]
    TooManyRequests(std::time::Duration),
    /// The generation of random bytes or of a signature failed.
    #[error("the server could not complete the request")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The cause of an `invalid_grant` error, for the log only. The client never learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantFault {
    /// The grant was never issued, or has expired.
    #[error("unknown or expired")]
    Unknown,
    /// A single-use credential was used a second time.
    #[error("replayed: the grant was revoked")]
    Replayed,
    /// The code was redeemed seconds ago by a request with the right verifier.
    #[error("redeemed seconds ago; the grant stays valid")]
    Repeated,
    /// The grant was revoked.
    #[error("revoked")]
    Revoked,
    /// The grant belongs to another client.
    #[error("issued to another client")]
    OtherClient,
    /// The redirect URI is not that of the authorization request.
    #[error("redirect_uri does not match")]
    RedirectUri,
    /// The code verifier does not match the code challenge.
    #[error("code_verifier does not match")]
    Verifier,
    /// The policy no longer allows the person to use the server.
    #[error("the user is no longer allowed")]
    NotAllowed,
}

/// The value of the `error` member or parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the RFCs")]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    InvalidToken,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    InvalidTarget,
    AccessDenied,
    InvalidRedirectUri,
    InvalidClientMetadata,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    TemporarilyUnavailable,
    ServerError,
}

impl ErrorCode {
    /// Returns the code as spelled by RFC 6749, 6750, 7591, 8628 and 8707 and by OpenID Connect.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidToken => "invalid_token",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

impl Error {
    /// Returns `true` if the error reveals something about the person at the browser.
    #[must_use]
    pub const fn is_about_the_person(&self) -> bool {
        matches!(
            self,
            Self::LoginRequired
                | Self::ConsentRequired
                | Self::InteractionRequired
                | Self::AccessDenied(_)
                | Self::NotAllowed(_)
                | Self::LoginRefused(..)
        )
    }

    /// Returns the error code to send.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidRequest(_)
            | Self::Step(_)
            | Self::UnregisteredRedirectUri(_)
            | Self::BodyTooLarge
            | Self::BodyMalformed
            | Self::BodyTooSlow
            | Self::BodyCoded => ErrorCode::InvalidRequest,
            Self::InvalidClient | Self::DocumentNotAccepted(_) => ErrorCode::InvalidClient,
            Self::InvalidGrant(_) => ErrorCode::InvalidGrant,
            Self::InvalidToken => ErrorCode::InvalidToken,
            Self::UnauthorizedClient(_) => ErrorCode::UnauthorizedClient,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::UnsupportedResponseType => ErrorCode::UnsupportedResponseType,
            Self::InvalidScope(_) => ErrorCode::InvalidScope,
            Self::InvalidTarget(_) => ErrorCode::InvalidTarget,
            Self::AccessDenied(_) | Self::NotAllowed(_) | Self::LoginRefused(..) => {
                ErrorCode::AccessDenied
            }
            Self::InvalidRedirectUri(_) => ErrorCode::InvalidRedirectUri,
            Self::InvalidClientMetadata(_) | Self::NotJson => ErrorCode::InvalidClientMetadata,
            Self::LoginRequired => ErrorCode::LoginRequired,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
            Self::InteractionRequired => ErrorCode::InteractionRequired,
            Self::AuthorizationPending => ErrorCode::AuthorizationPending,
            Self::SlowDown => ErrorCode::SlowDown,
            Self::ExpiredToken => ErrorCode::ExpiredToken,
            Self::ClientDocument(_)
            | Self::Busy
            | Self::TooManyClients
            | Self::Provider(_)
            | Self::FactsUnknown
            | Self::Store(_)
            | Self::TooManyRequests(_) => ErrorCode::TemporarilyUnavailable,
            Self::ProviderSetup(_) | Self::Internal(_) => ErrorCode::ServerError,
        }
    }
}

impl From<model::RandomError> for Error {
    fn from(error: model::RandomError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<keys::SealingError> for Error {
    fn from(error: keys::SealingError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<keys::KeyError> for Error {
    fn from(error: keys::KeyError) -> Self {
        Self::Internal(error.into())
    }
}
