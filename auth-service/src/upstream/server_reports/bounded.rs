//! Answers with a limit of size, and the reasons why there is none.

use reqwest::{Response, StatusCode};

/// The reason why the state of a server is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// No proxy reports the server.
    #[error("no proxy in PROXIES runs it")]
    NotRun,
    /// The proxy or the server did not answer.
    #[error("{0} does not answer: {1}")]
    Unreachable(String, String),
    /// The answer has another status than 200.
    #[error("{0} answered with status {1}")]
    Status(String, u16),
    /// The answer is too large or cannot be read.
    #[error("{0} answered something that cannot be read: {1}")]
    Unreadable(String, String),
}

impl ReportError {
    /// Creates the error of a request to `peer`.
    pub(super) fn unreachable(peer: &str, error: reqwest::Error) -> Self {
        let why = if error.is_timeout() {
            "it took too long".to_owned()
        } else {
            let error = error.without_url();
            let mut cause: &dyn std::error::Error = &error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            cause.to_string()
        };
        Self::Unreachable(peer.to_owned(), why)
    }

    /// Creates the error of an answer of `peer` that is not as expected.
    pub(super) fn unreadable(peer: &str, why: impl ToString) -> Self {
        Self::Unreadable(peer.to_owned(), why.to_string())
    }
}

/// Reads the body of a successful answer of `peer`, if it has at most `limit` bytes.
pub(super) async fn body(
    peer: &str,
    mut answer: Response,
    limit: usize,
) -> Result<Vec<u8>, ReportError> {
    if answer.status() != StatusCode::OK {
        return Err(ReportError::Status(peer.to_owned(), answer.status().as_u16()));
    }
    let mut body = Vec::new();
    let failed = |error| ReportError::unreachable(peer, error);
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limit {
            return Err(ReportError::unreadable(peer, format!("more than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
