//! Requests to the token endpoint, and the tokens that it issues.
//!
//! An OAuth app gets a token without an end. A GitHub App, and an OAuth app that asked for it, gets
//! one for eight hours with a refresh token; each refresh replaces both.

use oauth2::{
    AuthorizationCode, Client, ClientId, ClientSecret, PkceCodeVerifier, RedirectUrl, RefreshToken,
    TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    super::{
        provider_http::ProviderHttp,
        refresh_error::RefreshError,
        text::printable,
        tokens::{TokenClient, TokenError, Tokens, bearer},
    },
    error::{Error, remedy_of_operator},
};
use crate::{
    config::GithubProvider,
    model::{ProviderToken, UnixTime},
};

/// The token endpoint of GitHub, with the credentials of the app.
pub(super) struct TokenEndpoint(TokenClient);

impl TokenEndpoint {
    /// Creates the endpoint. `redirect` is the callback URL of the authorization request.
    pub(super) fn new(provider: &GithubProvider, redirect: RedirectUrl) -> Result<Self, Error> {
        let base = provider.base_url.as_str().trim_end_matches('/');
        let url = TokenUrl::new(format!("{base}/login/oauth/access_token"))
            .map_err(|error| Error::Settings(error.to_string()))?;
        let secret = ClientSecret::new(provider.client_secret.expose_secret().to_owned());
        let client = Client::new(ClientId::new(provider.client_id.clone()))
            .set_client_secret(secret)
            .set_token_uri(url)
            .set_redirect_uri(redirect);
        Ok(Self(client))
    }

    /// Redeems an authorization code.
    pub(super) async fn redeem(
        &self,
        http: &ProviderHttp,
        (code, verifier): (&str, &str),
    ) -> Result<Tokens, TokenError> {
        let request = self
            .0
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        bearer(request.request_async(http).await)
    }

    /// Redeems a refresh token.
    pub(super) async fn refresh(
        &self,
        http: &ProviderHttp,
        token: &SecretString,
    ) -> Result<Tokens, TokenError> {
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let request = self.0.exchange_refresh_token(&token);
        bearer(request.request_async(http).await)
    }
}

/// Returns the token for later requests, from an answer to a request at the time `asked`.
pub(super) fn provider_token(tokens: &Tokens, asked: UnixTime) -> ProviderToken {
    ProviderToken {
        access: Some(tokens.access_token().to_owned().into()),
        refresh: tokens.refresh_token(),
        access_expires_at: tokens.lifetime().map(|lifetime| asked.plus(lifetime)),
    }
}

/// Returns the meaning of a failed refresh. Every error code that concerns neither this app nor the
/// moment is a definite no, such as `bad_refresh_token`.
pub(super) fn refresh_error(error: TokenError) -> RefreshError {
    match error {
        TokenError::Unavailable(why) => RefreshError::NoAnswer(why),
        TokenError::Foreign => {
            RefreshError::NoAnswer("the answer of the token endpoint is not one".to_owned())
        }
        TokenError::Code(code) if TokenError::is_temporary(&code) => RefreshError::NoAnswer(code),
        TokenError::Code(code) => match remedy_of_operator(&code) {
            Some(remedy) => RefreshError::Misconfigured(format!("{code}; {remedy}")),
            None => RefreshError::Denied(printable(&code)),
        },
    }
}
