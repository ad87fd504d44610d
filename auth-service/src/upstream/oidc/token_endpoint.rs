//! Requests to the token endpoint of a provider (OpenID Connect Core §3.1.3, §12).

use std::time::Duration;

use oauth2::{
    AccessToken, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, TokenResponse, TokenUrl,
    basic::{
        BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
        BasicTokenType,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    discovery::Metadata,
    error::TokenError,
    http::{ProviderHttp, Sending},
};
use crate::config::{ClientAuth, OidcProvider};

/// The members of a token answer that the client uses. Providers differ in the form of the others.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Tokens {
    access_token: AccessToken,
    token_type: String,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default)]
    id_token: Option<IdToken>,
}

/// An ID token, which debug output does not show.
#[derive(Deserialize, Serialize)]
struct IdToken(String);

impl std::fmt::Debug for IdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

type Endpoint = Client<
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

/// The token endpoint of a provider, with the credentials of this client.
pub(super) struct TokenEndpoint<'a> {
    http: &'a ProviderHttp,
    client: Endpoint,
}

impl<'a> TokenEndpoint<'a> {
    /// Creates the endpoint. `redirect` is the callback URL of the authorization request.
    pub(super) fn new(
        http: &'a ProviderHttp,
        (provider, metadata): (&OidcProvider, &Metadata),
        redirect: &RedirectUrl,
    ) -> Result<Self, TokenError> {
        let url = TokenUrl::new(metadata.token_endpoint.clone())
            .map_err(|error| TokenError::Unavailable(error.to_string()))?;
        let mut client = Client::new(ClientId::new(provider.client_id.clone()))
            .set_token_uri(url)
            .set_redirect_uri(redirect.clone())
            .set_auth_type(auth_type(provider, metadata));
        if let Some(secret) = &provider.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        Ok(Self { http, client })
    }

    /// Redeems an authorization code.
    pub(super) async fn redeem(&self, code: &str, verifier: &str) -> Result<Tokens, TokenError> {
        let request = self
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        bearer(request.request_async(&|request| self.http.send(request)).await)
    }

    /// Redeems a refresh token.
    pub(super) async fn refresh(&self, token: &SecretString) -> Result<Tokens, TokenError> {
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let request = self.client.exchange_refresh_token(&token);
        bearer(request.request_async(&|request| self.http.send(request)).await)
    }
}

/// Returns the authentication method of the settings, or the one that discovery offers. Its default
/// is HTTP Basic authentication (OpenID Connect Discovery §3).
fn auth_type(provider: &OidcProvider, metadata: &Metadata) -> AuthType {
    let offers = |method: &str| {
        metadata.auth_methods.as_ref().is_some_and(|all| all.iter().any(|one| one == method))
    };
    match provider.client_auth {
        Some(ClientAuth::Post) => AuthType::RequestBody,
        None if offers("client_secret_post") && !offers("client_secret_basic") => {
            AuthType::RequestBody
        }
        Some(ClientAuth::Basic) | None => AuthType::BasicAuth,
    }
}

fn bearer(
    answer: Result<Tokens, RequestTokenError<Sending, BasicErrorResponse>>,
) -> Result<Tokens, TokenError> {
    match answer {
        Ok(tokens) if tokens.token_type.eq_ignore_ascii_case("bearer") => Ok(tokens),
        Ok(_) => Err(TokenError::Unavailable("the access token is not a bearer token".to_owned())),
        Err(RequestTokenError::ServerResponse(answer)) => {
            Err(TokenError::Code(answer.error().as_ref().to_owned()))
        }
        // Some servers report errors with status 200.
        Err(RequestTokenError::Parse(_, body)) => Err(error_code(&body).map_or_else(
            || TokenError::Unavailable("the answer of the token endpoint is not one".to_owned()),
            TokenError::Code,
        )),
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
