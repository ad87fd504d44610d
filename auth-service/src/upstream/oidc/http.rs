//! Requests to an OpenID provider, with limits of time and size and without redirects.

use std::{sync::Arc, time::Duration};

use oauth2::{HttpRequest, HttpResponse};
use reqwest::{Response, StatusCode, header};

use super::{
    super::{
        client_documents::max_age, lazy_client::LazyClient, provider_resolver::ProviderResolver,
    },
    error::OidcError,
    json::Object,
};

/// The timeout of a request, from the DNS lookup to the last byte.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// The maximum size of an answer.
const MAX_BYTES: usize = 512 * 1024;

/// The HTTP client for one provider.
pub(super) struct ProviderHttp(LazyClient);

/// A JSON object with the cache lifetime that the answer states.
pub(super) struct Document {
    pub(super) object: Object,
    pub(super) max_age: Duration,
}

impl Default for ProviderHttp {
    fn default() -> Self {
        let resolver = Arc::new(ProviderResolver::default());
        Self(LazyClient::new(move || {
            reqwest::Client::builder()
                .dns_resolver(Arc::clone(&resolver))
                // A redirect could leave the host that the operator or discovery named.
                .redirect(reqwest::redirect::Policy::none())
                .timeout(REQUEST_TIMEOUT)
                .user_agent(concat!("mcp-oauth-gateway/", env!("CARGO_PKG_VERSION")))
                .build()
        }))
    }
}

impl ProviderHttp {
    /// Fetches a JSON object, with the access token `bearer` if there is one.
    pub(super) async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Document, OidcError> {
        let mut request = self.0.get()?.get(url).header(header::ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        if answer.status() != StatusCode::OK {
            return Err(OidcError::Unavailable(format!("status {}", answer.status())));
        }
        let text = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let age = text(header::AGE).and_then(|age| age.parse().ok()).unwrap_or(0);
        let max_age = max_age(text(header::CACHE_CONTROL).unwrap_or_default());
        let max_age = Duration::from_secs(max_age.saturating_sub(age));
        let body = read(answer).await?;
        let object = Object::parse(&body).ok_or_else(|| {
            OidcError::Unavailable("the answer is not a JSON object without duplicates".to_owned())
        })?;
        Ok(Document { object, max_age })
    }

    /// Sends a token request. An answer that says nothing about the request is an error.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Sending> {
        let answer = self.0.get()?.execute(request.try_into()?).await?;
        let status = answer.status();
        let limited = status == StatusCode::TOO_MANY_REQUESTS
            || answer.headers().contains_key(header::RETRY_AFTER);
        if limited || !(status == StatusCode::OK || status.is_client_error()) {
            return Err(Sending::Status(status));
        }
        let mut response = oauth2::http::Response::builder().status(status);
        if let Some(kind) = answer.headers().get(header::CONTENT_TYPE) {
            response = response.header(header::CONTENT_TYPE, kind);
        }
        Ok(response.body(read(answer).await?)?)
    }
}

/// The transport error of a token request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Sending {
    #[error("status {0}")]
    Status(StatusCode),
    #[error("{0:?}")]
    Http(reqwest::Error),
    #[error(transparent)]
    Response(#[from] oauth2::http::Error),
    #[error("the answer is larger than {MAX_BYTES} bytes")]
    TooLarge,
}

impl From<reqwest::Error> for Sending {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

impl From<Sending> for OidcError {
    fn from(error: Sending) -> Self {
        Self::Unavailable(error.to_string())
    }
}

async fn read(mut answer: Response) -> Result<Vec<u8>, Sending> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Sending::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
