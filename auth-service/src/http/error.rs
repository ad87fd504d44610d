//! Responses for an [`oauth::Error`]: JSON (RFC 6749 §5.2), a redirect or a page (§4.1.2.1).

use actix_http::ConnectionType;
use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;

use super::page;
use crate::{
    model::Chain,
    oauth::{self, AuthorizeError, ErrorCode},
};

/// The `Retry-After` while the storage or the provider is unavailable, in seconds.
pub(super) const RETRY_AFTER: &str = "2";

/// An error that is answered in JSON (RFC 6749 §5.2, RFC 7591 §3.2.2).
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct TokenError(#[from] oauth::Error);

#[derive(Serialize)]
struct Body {
    error: &'static str,
    error_description: String,
}

impl ResponseError for TokenError {
    fn status_code(&self) -> StatusCode {
        match self.0.code() {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
            // RFC 8628 §3.5: 400, as for the other errors of RFC 6749 §5.2.
            ErrorCode::AccessDenied => StatusCode::BAD_REQUEST,
            _ => status_of(&self.0),
        }
    }

    fn error_response(&self) -> HttpResponse {
        log_refusal(&self.0);
        let code = self.0.code();
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if is_unread(&self.0) {
            response.force_close();
        }
        if matches!(self.0, oauth::Error::BodyCoded) {
            response.insert_header((header::ACCEPT_ENCODING, "identity"));
        }
        match code {
            // RFC 6749 §5.2: the header names the scheme that the client used.
            ErrorCode::InvalidClient => {
                response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"oauth\""));
            }
            ErrorCode::InvalidToken => {
                let challenge = "Bearer error=\"invalid_token\"";
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            ErrorCode::TemporarilyUnavailable => {
                response.insert_header((header::RETRY_AFTER, retry_after(&self.0)));
            }
            _ => {}
        }
        response.json(Body { error: code.as_str(), error_description: self.0.to_string() })
    }
}

/// An error that is answered by a redirect to the client, or by a page if the client cannot be trusted.
///
/// The middleware [`error_pages`](super::error_pages) renders the page.
#[derive(Debug)]
pub(super) struct BrowserError(pub(super) AuthorizeError);

impl From<AuthorizeError> for BrowserError {
    fn from(error: AuthorizeError) -> Self {
        Self(error)
    }
}

impl From<oauth::Error> for BrowserError {
    fn from(error: oauth::Error) -> Self {
        Self(AuthorizeError::Page(error))
    }
}

impl From<TokenError> for BrowserError {
    fn from(error: TokenError) -> Self {
        error.0.into()
    }
}

impl std::fmt::Display for BrowserError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            AuthorizeError::Page(error)
            | AuthorizeError::Redirect(_, error)
            | AuthorizeError::Link { error, .. } => error.fmt(f),
        }
    }
}

impl ResponseError for BrowserError {
    fn status_code(&self) -> StatusCode {
        match &self.0 {
            AuthorizeError::Page(error) | AuthorizeError::Link { error, .. } => status_of(error),
            AuthorizeError::Redirect(..) => StatusCode::SEE_OTHER,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match &self.0 {
            AuthorizeError::Page(error) => {
                log_refusal(error);
                let mut response = HttpResponse::new(self.status_code());
                if error.code() == ErrorCode::TemporarilyUnavailable {
                    response.headers_mut().insert(header::RETRY_AFTER, retry_after(error));
                }
                if is_unread(error) {
                    response.head_mut().set_connection_type(ConnectionType::Close);
                }
                response
            }
            AuthorizeError::Redirect(url, error) => {
                log_refusal(error);
                page::redirect(url)
            }
            AuthorizeError::Link { error, .. } => {
                log_refusal(error);
                HttpResponse::new(self.status_code())
            }
        }
    }
}

/// Returns `true` if part of the body is unread, or its end is unknown: the connection cannot be reused.
fn is_unread(error: &oauth::Error) -> bool {
    matches!(error, oauth::Error::BodyMalformed | oauth::Error::BodyTooSlow)
}

fn status_of(error: &oauth::Error) -> StatusCode {
    match error.code() {
        _ if matches!(error, oauth::Error::BodyTooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        _ if matches!(error, oauth::Error::BodyTooSlow) => StatusCode::REQUEST_TIMEOUT,
        _ if matches!(error, oauth::Error::BodyCoded) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        // RFC 6585 §4.
        _ if matches!(error, oauth::Error::TooManyRequests(_)) => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::AccessDenied => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Returns the value of `Retry-After`, in seconds.
fn retry_after(error: &oauth::Error) -> header::HeaderValue {
    match error {
        oauth::Error::TooManyRequests(wait) => wait.as_secs().into(),
        _ => header::HeaderValue::from_static(RETRY_AFTER),
    }
}

pub(super) fn log_refusal(error: &oauth::Error) {
    match error.code() {
        // Logged by the rate limiter.
        _ if matches!(error, oauth::Error::TooManyRequests(_)) => {}
        ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError => {
            log::error!("{}", Chain(error));
        }
        code => log::info!("refused with {}: {}", code.as_str(), Chain(error)),
    }
}
