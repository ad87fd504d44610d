//! Login with GitHub: the client side of the authorization code grant (RFC 6749 §4.1) with PKCE,
//! then the user API.

use std::{sync::Arc, time::Duration};

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse,
    TokenUrl, basic::BasicClient,
};
use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    github_error::{Error, NO_TOKEN, github_error, no_account},
    lazy_client::LazyClient,
    provider_resolver::ProviderResolver,
};
use crate::{config::GithubConfig, model::User};

/// The timeout of a request to GitHub.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// The maximum number of logins that are completed at GitHub concurrently. It is limited because an
/// anonymous request can start a login and send an invented code.
const IN_FLIGHT: usize = 64;
/// The maximum time that a login waits for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

type Endpoints =
    BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The client of a GitHub OAuth app.
pub struct GitHub {
    oauth: Endpoints,
    http: LazyClient,
    in_flight: Semaphore,
    api: String,
}

impl GitHub {
    /// Creates the client of the app in `config`, with the callback URL `redirect`.
    pub fn new(config: &GithubConfig, redirect: String) -> Result<Self, Error> {
        let settings = |error: oauth2::url::ParseError| Error::Settings(error.to_string());
        let base = config.base_url.as_str().trim_end_matches('/');
        let authorize = AuthUrl::new(format!("{base}/login/oauth/authorize")).map_err(settings)?;
        let token = TokenUrl::new(format!("{base}/login/oauth/access_token")).map_err(settings)?;
        let oauth = BasicClient::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(ClientSecret::new(config.client_secret.expose_secret().to_owned()))
            .set_auth_uri(authorize)
            .set_token_uri(token)
            .set_redirect_uri(RedirectUrl::new(redirect).map_err(settings)?);
        let resolver = Arc::new(ProviderResolver::default());
        let http = LazyClient::new(move || {
            reqwest::Client::builder()
                .dns_resolver(Arc::clone(&resolver))
                // A redirect of the token endpoint would send the client secret to another host.
                .redirect(reqwest::redirect::Policy::none())
                .timeout(REQUEST_TIMEOUT)
                .user_agent(concat!("mcp-oauth-gateway/", env!("CARGO_PKG_VERSION")))
                .build()
        });
        let api = config.api_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { oauth, http, in_flight: Semaphore::new(IN_FLIGHT), api })
    }

    /// Returns the URL to which to redirect the browser, and the PKCE verifier for the callback.
    /// With `pick_account`, GitHub lets the person choose an account instead of using the current
    /// one.
    #[must_use]
    pub fn authorize_url(&self, state: &str, pick_account: bool) -> (String, String) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = self
            .oauth
            .authorize_url(|| CsrfToken::new(state.to_owned()))
            .add_scopes(["read:user", "user:email"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge);
        if pick_account {
            request = request.add_extra_param("prompt", "select_account");
        }
        let (url, _) = request.url();
        (url.into(), verifier.into_secret())
    }

    /// Checks the client id and the secret with an invalid code. Succeeds if GitHub rejects only
    /// the code.
    pub async fn try_credentials(&self) -> Result<(), Error> {
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        match self.redeem("0000000000000000000a", verifier.secret()).await {
            Ok(_) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn redeem(&self, code: &str, verifier: &str) -> Result<String, Error> {
        let exchange = self
            .oauth
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .request_async(&|request| self.send(request))
            .await;
        let token = exchange.map(|token| token.access_token().secret().to_owned());
        token.map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => github_error(answer.error().as_ref()),
            // GitHub reports errors with status 200.
            RequestTokenError::Parse(_, body) => github_error(&error_code(&body)),
            RequestTokenError::Request(error) => Error::Unavailable(error.to_string()),
            RequestTokenError::Other(text) => Error::Unavailable(text),
        })
    }

    /// Redeems `code` and reads the account of the person. GitHub's token is neither stored nor
    /// passed on.
    pub async fn identify(&self, code: &str, verifier: &str) -> Result<User, Error> {
        let turn = timeout(QUEUE_TIMEOUT, self.in_flight.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(Error::Busy)?;
        let token = self.redeem(code, verifier).await?;
        let account: Account = self.get("/user", &token).await.map_err(|error| match error {
            error if error.is_decode() => no_account(),
            error if error.status() == Some(StatusCode::NOT_FOUND) => no_account(),
            error => error.into(),
        })?;
        // The request fails if the app lacks the e-mail permission. The address is optional.
        let addresses: Vec<Address> = self.get("/user/emails", &token).await.unwrap_or_default();
        let email = addresses.into_iter().find(|address| address.primary && address.verified);
        Ok(User {
            subject: format!("github:{}", account.id),
            name: account.login,
            email: email.map(|address| address.email),
        })
    }

    async fn send(&self, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, Sending> {
        let answer = self.http.get()?.execute(request.try_into()?).await?;
        if answer.status().is_server_error() {
            return Err(Sending::Status(answer.status()));
        }
        let mut response = oauth2::http::Response::builder().status(answer.status());
        if let Some(kind) = answer.headers().get(reqwest::header::CONTENT_TYPE) {
            response = response.header(reqwest::header::CONTENT_TYPE, kind);
        }
        Ok(response.body(answer.bytes().await?.to_vec())?)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, token: &str) -> Result<T, reqwest::Error> {
        let request = self.http.get()?.get(format!("{}{path}", self.api)).bearer_auth(token);
        let request = request.header("Accept", "application/vnd.github+json");
        request.send().await?.error_for_status()?.json().await
    }
}

/// The transport error of a token request.
#[derive(Debug, thiserror::Error)]
enum Sending {
    #[error("it responded with status {0}")]
    Status(reqwest::StatusCode),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Response(#[from] oauth2::http::Error),
}

#[derive(Deserialize)]
struct Account {
    id: u64,
    login: String,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Returns the `error` member of a response. The rest of the body is not safe to log.
fn error_code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
    }
    serde_json::from_slice(body).map_or_else(|_| NO_TOKEN.to_owned(), |answer: Answer| answer.error)
}
