//! Requests to the token endpoint of a provider (OpenID Connect Core §3.1.3, §12).

use oauth2::{
    AuthType, AuthorizationCode, Client, ClientId, ClientSecret, PkceCodeVerifier, RedirectUrl,
    RefreshToken, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    super::{
        provider_http::ProviderHttp,
        tokens::{TokenClient, TokenError, Tokens, bearer},
    },
    discovery::Metadata,
};
use crate::config::{ClientAuth, OidcProvider};

/// The token endpoint of a provider, with the credentials of this client.
pub(super) struct TokenEndpoint<'a> {
    http: &'a ProviderHttp,
    client: TokenClient,
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
        bearer(request.request_async(self.http).await)
    }

    /// Redeems a refresh token.
    pub(super) async fn refresh(&self, token: &SecretString) -> Result<Tokens, TokenError> {
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let request = self.client.exchange_refresh_token(&token);
        bearer(request.request_async(self.http).await)
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
