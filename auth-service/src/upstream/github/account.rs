//! The account of a person (`GET /user`).

use reqwest::StatusCode;

use super::{
    super::{json::Object, provider_http::Answer, refresh_error::RefreshError, text::fitting},
    api::{Api, message},
    error::{Error, no_account, suspended},
};

/// The account that a token belongs to.
pub(super) struct Account {
    pub(super) id: u64,
    /// The login name. Its owner can change it, and somebody else can then take it.
    pub(super) login: String,
    pub(super) name: Option<String>,
}

/// The reason why there is no account.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AccountError {
    /// GitHub rejects the token: it was revoked, or has expired.
    Revoked,
    /// GitHub has suspended the account.
    Suspended,
    /// GitHub says that there is no such resource.
    Missing,
    /// The answer does not come from GitHub's API.
    Foreign,
    /// There is no usable answer.
    NoAnswer(String),
}

impl Account {
    /// Fetches the account of the token.
    pub(super) async fn fetch(api: &Api<'_>) -> Result<Self, AccountError> {
        match api.get("/user").await {
            Ok(answer) => Self::read(&answer),
            Err(error) => Err(AccountError::NoAnswer(error.to_string())),
        }
    }

    /// Only an error in GitHub's form is a definite one. A proxy in between answers in HTML.
    fn read(answer: &Answer) -> Result<Self, AccountError> {
        match (answer.status, message(answer)) {
            (StatusCode::OK, _) => Self::parse(&answer.body).ok_or(AccountError::Foreign),
            (StatusCode::UNAUTHORIZED, Some(_)) => Err(AccountError::Revoked),
            (StatusCode::FORBIDDEN, Some(message)) if says_suspended(&message) => {
                Err(AccountError::Suspended)
            }
            (StatusCode::NOT_FOUND, Some(_)) => Err(AccountError::Missing),
            (StatusCode::NOT_FOUND, None) => Err(AccountError::Foreign),
            (status, _) => Err(AccountError::NoAnswer(format!("status {status}"))),
        }
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let account = Object::parse(body)?;
        Some(Self {
            id: account.0.get("id")?.as_u64()?,
            login: fitting(account.text("login")?)?,
            name: account.text("name").and_then(fitting),
        })
    }
}

/// Returns `true` if `message` says that the account is suspended. An installation of a GitHub App can
/// be suspended, too, which says nothing about the person.
fn says_suspended(message: &str) -> bool {
    message.contains("your account") && message.contains("suspended")
}

impl From<AccountError> for Error {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Suspended => suspended(),
            AccountError::Missing | AccountError::Foreign => no_account(),
            AccountError::Revoked => Self::Unavailable("status 401 for a new token".to_owned()),
            AccountError::NoAnswer(why) => Self::Unavailable(why),
        }
    }
}

impl From<AccountError> for RefreshError {
    fn from(error: AccountError) -> Self {
        let denied = |why: &str| Self::Denied(why.to_owned());
        match error {
            AccountError::Revoked => denied("the token was revoked"),
            AccountError::Suspended => denied("the account is suspended"),
            AccountError::Missing => denied("there is no such account"),
            AccountError::Foreign => Self::NoAnswer("a response that is not an account".to_owned()),
            AccountError::NoAnswer(why) => Self::NoAnswer(why),
        }
    }
}
