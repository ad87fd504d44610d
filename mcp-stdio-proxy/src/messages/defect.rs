//! Defects of server messages, and responses that no client accepts.

use std::fmt;

/// The defect of a malformed message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// The text is not valid UTF-8.
    #[error("has bytes that are not UTF-8")]
    Encoding,
    /// The text contains `NaN` or `Infinity`.
    #[error("has NaN or Infinity, which JSON has not")]
    NotFinite,
    /// Members are null, unknown or duplicated.
    #[error("has members that do not belong to it")]
    Members,
    /// The text begins with a byte order mark.
    #[error("begins with a byte order mark")]
    Mark,
    /// A string contains a control character that is not escaped.
    #[error("has a control character in a string")]
    Control,
    /// The line ends before the JSON text does.
    #[error("is cut off")]
    Cut,
    /// The line continues after the end of the JSON text.
    #[error("has something after the end of the JSON")]
    Trailing,
    /// The JSON text continues on the next line.
    #[error("is spread over several lines")]
    Lines,
    /// The line break is missing.
    #[error("has no line break after it")]
    Unended,
    /// The text is invalid JSON for another reason.
    #[error("is not valid JSON: {0}")]
    Json(String),
    /// The `jsonrpc` member is missing or has another value.
    #[error("has no \"jsonrpc\": \"2.0\"")]
    Version,
    /// The id is missing, or is not a valid request id.
    #[error("has no id")]
    Id,
    /// The message has neither a result nor an error.
    #[error("has neither a result nor an error, or null in their place")]
    Empty,
    /// The message has a method in addition to a result or an error.
    #[error("is a request as well")]
    Request,
    /// The result is not an object.
    #[error("has a result that is not an object")]
    Result,
    /// The error is not an error object.
    #[error("has an error without a code and a message")]
    Error,
}

/// A response that no client accepts.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The id of the call, if it is one of the proxy's.
    pub id: Option<u64>,
    /// The error code, if the response is an error.
    pub code: Option<i64>,
    /// The error message.
    pub said: Option<String>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.said, self.code) {
            (Some(said), Some(code)) if code != 0 => write!(f, ": {code} {said}"),
            (Some(said), _) => write!(f, ": {said}"),
            (None, _) => Ok(()),
        }
    }
}
