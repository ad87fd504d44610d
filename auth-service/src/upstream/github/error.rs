//! The errors of GitHub's OAuth endpoints, each with its remedy, and with the person or operator
//! who can correct it. Source: "Troubleshooting authorization request errors" and "Troubleshooting
//! OAuth app access token request errors" in GitHub's documentation.

use std::fmt;

use super::super::{provider_http::Sending, text::printable, tokens::TokenError};

/// The error of a login with GitHub.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// GitHub rejected the code or the account.
    #[error("GitHub rejected the login: {0}")]
    Refused(Refusal),
    /// GitHub rejected this gateway, or the URL is not GitHub's. The operator must correct the
    /// settings.
    #[error("the GitHub login is misconfigured: {0}")]
    Misconfigured(Refusal),
    /// GitHub did not answer, or answered with an unexpected response.
    #[error("GitHub is unavailable: {0}")]
    Unavailable(String),
    /// The limit of concurrent logins is reached.
    #[error("too many concurrent logins at GitHub")]
    Busy,
    /// The client cannot be built from the settings.
    #[error("the settings of GitHub login are invalid: {0}")]
    Settings(String),
}

impl From<Sending> for Error {
    fn from(error: Sending) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Code(code) => github_error(&code),
            TokenError::Foreign => github_error(NO_TOKEN),
            TokenError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

/// An error that GitHub reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: String,
    remedy: &'static str,
    told: &'static str,
}

impl Refusal {
    /// Returns the message for the person and the client.
    #[must_use]
    pub const fn told(&self) -> &'static str {
        self.told
    }

    /// Returns GitHub's error code, without characters that are unsafe in a log.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the remedy, for the operator.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.remedy
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.code, self.remedy)
    }
}

/// The message for the person, for errors that are not in [`PERSON`].
const OTHER: &str = "the login provider rejected the login";

/// Errors that a person causes: code, remedy for the log, message for the person.
const PERSON: [(&str, &str, &str); 2] = [
    (
        "bad_verification_code",
        "the code is older than ten minutes or was already used: the person must log in again",
        "the login has expired or was already used; log in again",
    ),
    (
        "unverified_user_email",
        "the primary e-mail address is not verified: the person must verify it at GitHub",
        "the login provider requires a verified address; verify your e-mail address there, then log \
        in again",
    ),
];

/// Errors that the operator must correct: code and remedy. The settings are named as variables; those
/// of a table `[provider.NAME]` have the same names without `GITHUB_`.
const OPERATOR: [(&str, &str); 8] = [
    (
        "incorrect_client_credentials",
        "GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET do not belong to the same OAuth app: create a new \
        secret in the settings of the app",
    ),
    ("invalid_client", "GITHUB_CLIENT_ID or GITHUB_CLIENT_SECRET is wrong"),
    ("unauthorized_client", "the OAuth app of GITHUB_CLIENT_ID is not allowed to log people in"),
    ("unsupported_grant_type", "GITHUB_BASE_URL does not lead to a current version of GitHub"),
    (
        "redirect_uri_mismatch",
        "the callback URL of the OAuth app must be ISSUER/callback, with its host and port; that of a \
        provider in the access file is ISSUER/callback/NAME",
    ),
    ("application_suspended", "GitHub has suspended the OAuth app: contact GitHub support"),
    ("Not Found", "there is no OAuth app with this GITHUB_CLIENT_ID, or GITHUB_BASE_URL is wrong"),
    (NO_TOKEN, "GITHUB_BASE_URL must be the URL of GitHub itself, such as https://github.com"),
];

/// The code of a response that does not come from a token endpoint.
const NO_TOKEN: &str = "a response that is not a token";

/// Returns the error for `code`, which is untrusted text.
#[must_use]
pub fn github_error(code: &str) -> Error {
    let refusal = |remedy, told| Refusal { code: printable(code), remedy, told };
    if let Some(remedy) = remedy_of_operator(code) {
        return Error::Misconfigured(refusal(remedy, OTHER));
    }
    let (_, remedy, told) = PERSON.into_iter().find(|(known, ..)| *known == code).unwrap_or((
        "",
        "see GitHub's documentation of this error",
        OTHER,
    ));
    Error::Refused(refusal(remedy, told))
}

/// Returns the remedy for `code`, if the operator must correct it.
pub(super) fn remedy_of_operator(code: &str) -> Option<&'static str> {
    OPERATOR.into_iter().find(|(known, _)| *known == code).map(|(_, remedy)| remedy)
}

/// Returns the error for an account that GitHub has suspended.
pub(super) fn suspended() -> Error {
    Error::Refused(Refusal {
        code: "account_suspended".to_owned(),
        remedy: "GitHub has suspended the account: the person must contact GitHub support",
        told: "the login provider has suspended this account",
    })
}

/// Returns the error for a URL that does not serve GitHub's user API.
pub(super) fn no_account() -> Error {
    let remedy = "GITHUB_API_URL must be the URL of the API, such as https://api.github.com, or \
    https://HOST/api/v3 of an Enterprise Server";
    let code = "a response that is not an account".to_owned();
    Error::Misconfigured(Refusal { code, remedy, told: OTHER })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_the_operator_and_the_person_are_told_apart() {
        for code in
            ["incorrect_client_credentials", "redirect_uri_mismatch", "application_suspended"]
        {
            let Error::Misconfigured(refusal) = github_error(code) else { panic!("{code}") };
            assert!(refusal.to_string().starts_with(code) && refusal.to_string().len() > 60);
            assert_eq!(refusal.told(), OTHER);
        }
        for code in ["bad_verification_code", "unverified_user_email", "something_new"] {
            let Error::Refused(refusal) = github_error(code) else { panic!("{code}") };
            assert!(refusal.to_string().starts_with(code), "{refusal}");
        }
    }

    #[test]
    fn a4_a_code_is_no_way_into_the_log() {
        let refused = github_error(&format!("x\n\u{1b}[31m\" {}", "y".repeat(500))).to_string();
        assert!(refused.len() < 200 && !refused.contains(['\n', '\u{1b}', '"']), "{refused}");
    }
}
