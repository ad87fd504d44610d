//! What can go wrong, in the words of the RFCs.

use std::borrow::Cow;

use crate::{model, ports, store};

/// Why a protocol step was refused. `Display` is what the client may read; `source()` is for the
/// log alone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request itself is wrong.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The redirect URI of a request, as it came, is none that the client registered.
    #[error("redirect_uri {0} is not registered for this client")]
    UnregisteredRedirectUri(String),
    /// The body is larger than any request of these protocols.
    #[error("the body is too large")]
    BodyTooLarge,
    /// The body breaks the rules of HTTP (RFC 9112 §7), or ended before its end.
    #[error("the body is malformed, or was not sent whole")]
    BodyMalformed,
    /// The sender was too slow, or stopped.
    #[error("the body did not arrive in time")]
    BodyTooSlow,
    /// The body is compressed (RFC 9110 §8.4).
    #[error("the body must be sent without a Content-Encoding")]
    BodyCoded,
    /// The client did not prove who it is. One message, whatever the reason.
    #[error("client authentication failed")]
    InvalidClient,
    /// The metadata document of the client, or its keys, at this host cannot be used. One message, whatever
    /// the reason: what a fetch met is not told.
    #[error("this gateway cannot fetch or use what this client publishes at {0}; try again later")]
    ClientDocument(String),
    /// The operator takes no documents from this host.
    #[error("this gateway accepts no client metadata documents of {0}")]
    DocumentNotAccepted(String),
    /// The grant does not hold.
    #[error("the grant is invalid, expired, revoked, or was issued to another client")]
    InvalidGrant(#[source] GrantFault),
    /// The initial access token or the registration access token is wrong (RFC 6750 §3.1).
    #[error("the token is missing, or is not the one for this registration")]
    InvalidToken,
    /// `MAX_CLIENTS`, and all of them are for ever.
    #[error("there is no room for another client; try again later")]
    TooManyClients,
    /// The client did not register for this.
    #[error("{0}")]
    UnauthorizedClient(&'static str),
    /// RFC 6749 §5.2.
    #[error(
        "this grant is not offered; grant_types_supported of the metadata names those that are"
    )]
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1.
    #[error("supported is code")]
    UnsupportedResponseType,
    /// RFC 6749 §5.2.
    #[error("{0}")]
    InvalidScope(&'static str),
    /// RFC 8707 §2.
    #[error("{0}")]
    InvalidTarget(&'static str),
    /// The person, or the policy, said no.
    #[error("{0}")]
    AccessDenied(&'static str),
    /// The policy does not let this account, of this name, have what is asked for.
    #[error("this account may not use this server")]
    NotAllowed(String),
    /// RFC 7591 §3.2.2.
    #[error("{0}")]
    InvalidRedirectUri(Cow<'static, str>),
    /// RFC 7591 §3.2.2.
    #[error("{0}")]
    InvalidClientMetadata(Cow<'static, str>),
    /// RFC 7591 §3.1: the body is JSON, and says so.
    #[error("the body must be application/json")]
    NotJson,
    /// OpenID Connect Core §3.1.2.6: `prompt=none`, and nobody is logged in.
    #[error("the person has to log in")]
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6: `prompt=none`, and the person was not asked yet.
    #[error("the person has to consent")]
    ConsentRequired,
    /// OpenID Connect Core §3.1.2.6: `prompt=none`, and a page would be needed.
    #[error("the person has to be asked on a page")]
    InteractionRequired,
    /// RFC 8628 §3.5.
    #[error("the person has not decided yet")]
    AuthorizationPending,
    /// RFC 8628 §3.5.
    #[error("ask less often: wait 5 seconds longer between requests")]
    SlowDown,
    /// RFC 8628 §3.5.
    #[error("the device code has expired; start again")]
    ExpiredToken,
    /// What is needed is taken for the moment.
    #[error("the server is busy; try again")]
    Busy,
    /// The login provider failed.
    #[error("the login provider cannot be reached; try again")]
    Provider(#[source] ports::GithubError),
    /// The login provider refused the person, who is told why.
    #[error("{0}")]
    LoginRefused(&'static str, #[source] ports::GithubError),
    /// The login provider refuses this server.
    #[error("the login is not set up correctly; the operator finds in the log what helps")]
    ProviderSetup(#[source] ports::GithubError),
    /// The store failed.
    #[error("the server cannot reach its storage; try again")]
    Store(#[from] store::Error),
    /// Too many requests; how long to wait. RFC 6749 has no code for it. `temporarily_unavailable` is
    /// the one of its codes that says to come back: clients drop their registration at
    /// `invalid_client`, their tokens at `invalid_grant`, and begin anew at `server_error`.
    #[error("too many requests; try again in {} s", .0.as_secs())]
    TooManyRequests(std::time::Duration),
    /// Random bytes or signatures failed.
    #[error("the server could not complete the request")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a grant does not hold; never told to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantFault {
    /// Never issued, or ended.
    #[error("unknown or expired")]
    Unknown,
    /// Used before.
    #[error("replayed: the grant was revoked")]
    Replayed,
    /// Redeemed within the last seconds, by somebody who knew the verifier.
    #[error("redeemed a moment ago: the grant of that lives on")]
    Repeated,
    /// The grant was revoked.
    #[error("revoked")]
    Revoked,
    /// Issued to another client.
    #[error("issued to another client")]
    OtherClient,
    /// Not the redirect URI of the authorization request.
    #[error("another redirect_uri")]
    RedirectUri,
    /// The verifier does not fit the challenge.
    #[error("wrong code_verifier")]
    Verifier,
    /// The person may not use the server any more.
    #[error("no longer allowed")]
    NotAllowed,
}

/// The code that goes on the wire.
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
    /// As RFC 6749, 7591, 8628 and 8707 and OpenID Connect spell it.
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
    /// Whether it tells something about the person in front of the browser.
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

    /// The code that goes on the wire.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidRequest(_)
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

impl From<ports::SealingError> for Error {
    fn from(error: ports::SealingError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<ports::KeyError> for Error {
    fn from(error: ports::KeyError) -> Self {
        Self::Internal(error.into())
    }
}
