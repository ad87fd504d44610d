//! The errors of GitHub's OAuth endpoints ("Troubleshooting authorization request errors" and "OAuth app
//! access token request errors" of its documentation): whose fault each is, and what helps.

use std::fmt;

use super::github::Error;

/// An error of GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: String,
    remedy: &'static str,
    told: &'static str,
}

impl Refusal {
    /// What the person and the client may read.
    #[must_use]
    pub const fn told(&self) -> &'static str {
        self.told
    }

    /// The error as GitHub named it.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What helps, for the operator.
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

/// Says that GitHub refused a login for another reason than those of [`PERSON`].
const OTHER: &str = "the login provider refused the login";

/// Errors that a person causes, what helps, and what the person is told.
const PERSON: [(&str, &str, &str); 2] = [
    (
        "bad_verification_code",
        "the code was used already, or is older than ten minutes: the person has to log in again",
        "the login took too long, or was used already; log in again",
    ),
    (
        "unverified_user_email",
        "the person has to verify the primary e-mail address at GitHub",
        "the login provider wants you to verify your e-mail address first",
    ),
];

/// Errors that the operator has to correct, and what helps.
const OPERATOR: [(&str, &str); 7] = [
    (
        "incorrect_client_credentials",
        "GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET are not those of one OAuth app: make a new secret \
         in the settings of the app",
    ),
    ("invalid_client", "GITHUB_CLIENT_ID or GITHUB_CLIENT_SECRET is wrong"),
    ("unauthorized_client", "the OAuth app of GITHUB_CLIENT_ID may not log people in"),
    (
        "redirect_uri_mismatch",
        "the callback URL of the OAuth app has to be ISSUER/callback, with its host and port",
    ),
    ("application_suspended", "GitHub has suspended the OAuth app: ask the support of GitHub"),
    ("Not Found", "there is no OAuth app of this GITHUB_CLIENT_ID, or GITHUB_BASE_URL is wrong"),
    (NO_TOKEN, "GITHUB_BASE_URL has to be that of GitHub itself, such as https://github.com"),
];

/// In place of a code: the answer is none of a token endpoint.
pub(super) const NO_TOKEN: &str = "an answer that is no token";

/// Returns the error of `code`, which may be anybody's text.
#[must_use]
pub fn github_error(code: &str) -> Error {
    let refusal = |remedy, told| Refusal { code: printable(code), remedy, told };
    if let Some((_, remedy)) = OPERATOR.into_iter().find(|(known, _)| *known == code) {
        return Error::Misconfigured(refusal(remedy, OTHER));
    }
    let (_, remedy, told) = PERSON.into_iter().find(|(known, ..)| *known == code).unwrap_or((
        "",
        "GitHub's documentation says what it means",
        OTHER,
    ));
    Error::Refused(refusal(remedy, told))
}

/// Returns the error of an API that does not know accounts.
pub(super) fn no_account() -> Error {
    let remedy = "GITHUB_API_URL has to be that of the API, such as https://api.github.com, or \
                  https://HOST/api/v3 of an Enterprise Server";
    let code = "an answer that is no account".to_owned();
    Error::Misconfigured(Refusal { code, remedy, told: OTHER })
}

/// What is fit for a log.
fn printable(code: &str) -> String {
    let fit = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '-' | '.');
    code.chars().filter(fit).take(64).collect()
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
