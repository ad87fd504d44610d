//! Extractor of `Authorization: Bearer` (RFC 6750 §2.1) for client registration and its management.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};

use super::error::TokenError;
use crate::{model::RegistrationToken, oauth::Error};

/// The bearer token of the `Authorization` header.
pub(super) struct Bearer(String);

impl Bearer {
    /// Returns the token as it was sent.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Returns the token as a registration access token (RFC 7592 §3).
    pub(super) fn registration(&self) -> RegistrationToken {
        RegistrationToken::presented(self.0.as_str())
    }
}

impl FromRequest for Bearer {
    type Error = TokenError;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(header::AUTHORIZATION);
        let token = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| Self(token.trim().to_owned()));
        ready(token.ok_or(TokenError::from(Error::InvalidToken)))
    }
}
