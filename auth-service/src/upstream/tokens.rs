//! Answers of the token endpoints of login providers (RFC 6749 §5).

use std::{fmt, time::Duration};

use oauth2::{
    AccessToken, Client, EndpointNotSet, EndpointSet, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, TokenResponse,
    basic::{
        BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
        BasicTokenType,
    },
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::provider_http::Sending;

/// An OAuth client with a token endpoint.
pub(super) type TokenClient = Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The members of a token answer that the clients use. Providers differ in the form of the others.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Tokens {
    access_token: AccessToken,
    token_type: String,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default)]
    id_token: Option<IdToken>,
    #[serde(default)]
    expires_in: Option<Value>,
}

/// An ID token, which debug output does not show.
#[derive(Deserialize, Serialize)]
struct IdToken(String);

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken(redacted)")
    }
}

impl Tokens {
    pub(super) fn access_token(&self) -> &str {
        self.access_token.secret()
    }

    pub(super) fn id_token(&self) -> Option<&str> {
        self.id_token.as_ref().map(|token| token.0.as_str())
    }

    pub(super) fn refresh_token(&self) -> Option<SecretString> {
        self.refresh_token.as_ref().map(|token| token.secret().to_owned().into())
    }

    /// Returns the lifetime of the access token, or `None` if the answer states none. An unreadable
    /// lifetime counts as zero.
    pub(super) fn lifetime(&self) -> Option<Duration> {
        let seconds = match self.expires_in.as_ref()? {
            Value::Number(number) => number.as_u64(),
            // Some servers write numbers as text.
            Value::String(text) => text.parse().ok(),
            Value::Null => return None,
            _ => Some(0),
        };
        Some(Duration::from_secs(seconds.unwrap_or(0)))
    }
}

impl TokenResponse for Tokens {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &BasicTokenType::Bearer
    }

    fn expires_in(&self) -> Option<Duration> {
        self.lifetime()
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// The failure of a token request.
#[derive(Debug)]
pub(super) enum TokenError {
    /// The error code of the token endpoint, which is untrusted text.
    Code(String),
    /// The answer is neither a token nor an error.
    Foreign,
    /// The reason why there is no usable answer.
    Unavailable(String),
}

/// Error codes that say nothing about the person and nothing about the settings.
const TEMPORARY: [&str; 3] = ["temporarily_unavailable", "slow_down", "server_error"];

impl TokenError {
    /// Returns `true` for an error code that says nothing at all.
    pub(super) fn is_temporary(code: &str) -> bool {
        TEMPORARY.contains(&code)
    }
}

/// Returns the tokens of an answer, or its error. They must be bearer tokens.
pub(super) fn bearer(
    answer: Result<Tokens, RequestTokenError<Sending, BasicErrorResponse>>,
) -> Result<Tokens, TokenError> {
    match answer {
        Ok(tokens) if tokens.token_type.eq_ignore_ascii_case("bearer") => Ok(tokens),
        Ok(_) => Err(TokenError::Unavailable("the access token is not a bearer token".to_owned())),
        Err(RequestTokenError::ServerResponse(answer)) => {
            Err(TokenError::Code(answer.error().as_ref().to_owned()))
        }
        // Some servers report errors with status 200. The rest of the body is not safe to log.
        Err(RequestTokenError::Parse(_, body)) => {
            Err(error_code(&body).map_or(TokenError::Foreign, TokenError::Code))
        }
        Err(RequestTokenError::Request(error)) => Err(TokenError::Unavailable(error.to_string())),
        Err(RequestTokenError::Other(text)) => Err(TokenError::Unavailable(text)),
    }
}

fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
    }
    serde_json::from_slice(body).ok().map(|answer: Answer| answer.error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lifetime_is_a_number_or_text() {
        let of = |expires_in: Value| {
            let tokens =
                json!({ "access_token": "a", "token_type": "b", "expires_in": expires_in });
            let tokens: Tokens = serde_json::from_value(tokens).unwrap();
            tokens.lifetime().map(|lifetime| lifetime.as_secs())
        };
        for eight_hours in [json!(28800), json!("28800")] {
            assert_eq!(of(eight_hours), Some(28800));
        }
        assert_eq!(of(json!(null)), None, "it does not expire");
        for odd in [json!(-1), json!(1.5), json!("soon"), json!(true), json!({})] {
            assert_eq!(of(odd), Some(0));
        }
    }
}
