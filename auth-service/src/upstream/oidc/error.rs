//! Errors of a login at an OpenID provider, and of a later refresh.

use super::super::{refresh_error::RefreshError, text::printable, tokens::TokenError};

/// The error of a login at an OpenID provider.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider rejected the code, with this error code (RFC 6749 §5.2).
    #[error("the provider rejected the login: {0}")]
    Refused(String),
    /// The settings, or those of the client at the provider, are wrong. The operator must correct
    /// them.
    #[error("the login is misconfigured: {0}")]
    Misconfigured(String),
    /// A token or another answer failed a security check.
    #[error("the provider's answer failed a check: {0}")]
    Invalid(&'static str),
    /// The provider did not answer, or not in a usable way.
    #[error("the provider is unavailable: {0}")]
    Unavailable(String),
    /// The limit of concurrent logins is reached.
    #[error("too many concurrent logins at the provider")]
    Busy,
}

impl OidcError {
    /// Returns the error for the error code of an authorization answer (RFC 6749 §4.1.2.1, OpenID Connect
    /// Core §3.1.2.6), which is untrusted text.
    #[must_use]
    pub fn of_answer(code: &str) -> Self {
        TokenError::Code(code.to_owned()).into()
    }
}

/// The message for an answer that is neither a token nor an error.
const FOREIGN: &str = "the answer of the token endpoint is not one";
/// Errors of a login that the operator must correct.
const OF_OPERATOR: [&str; 5] = [
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "redirect_uri_mismatch",
];
/// Errors of a refresh that say nothing about the person, but about this client.
const OF_CLIENT: [&str; 3] = ["invalid_client", "unauthorized_client", "unsupported_grant_type"];

impl From<TokenError> for OidcError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Unavailable(why) => Self::Unavailable(why),
            TokenError::Foreign => Self::Unavailable(FOREIGN.to_owned()),
            TokenError::Code(code) if TokenError::is_temporary(&code) => Self::Unavailable(code),
            TokenError::Code(code) if OF_OPERATOR.contains(&code.as_str()) => {
                Self::Misconfigured(format!("{code}; check the client at the provider"))
            }
            TokenError::Code(code) => Self::Refused(printable(&code)),
        }
    }
}

/// Every error code but the listed ones is a definite no. Some providers report a locked account as
/// `invalid_request`.
impl From<TokenError> for RefreshError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Unavailable(why) => Self::NoAnswer(why),
            TokenError::Foreign => Self::NoAnswer(FOREIGN.to_owned()),
            TokenError::Code(code) if TokenError::is_temporary(&code) => Self::NoAnswer(code),
            TokenError::Code(code) if OF_CLIENT.contains(&code.as_str()) => {
                Self::Misconfigured(code)
            }
            TokenError::Code(code) => Self::Denied(printable(&code)),
        }
    }
}

/// An answer after a successful refresh that cannot be used says nothing about the person.
impl From<OidcError> for RefreshError {
    fn from(error: OidcError) -> Self {
        match error {
            OidcError::Misconfigured(why) => Self::Misconfigured(why),
            other => Self::NoAnswer(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_error_is_a_no_unless_it_is_ours_or_temporary() {
        let of = |code: &str| RefreshError::from(TokenError::Code(code.to_owned()));
        for code in ["invalid_grant", "invalid_request", "invalid_scope", "access_denied", "odd"] {
            assert_eq!(of(code), RefreshError::Denied(code.to_owned()));
        }
        for code in OF_CLIENT {
            assert_eq!(of(code), RefreshError::Misconfigured(code.to_owned()));
        }
        for code in ["temporarily_unavailable", "slow_down", "server_error"] {
            assert_eq!(of(code), RefreshError::NoAnswer(code.to_owned()));
        }
        let RefreshError::Denied(code) = of("x\n\u{1b}[31m\"") else { panic!() };
        assert!(!code.contains(['\n', '\u{1b}', '"']), "{code}");
    }
}
