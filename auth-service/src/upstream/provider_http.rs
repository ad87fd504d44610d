//! Requests to login providers, with limits of time and size and without redirects.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{Response, StatusCode, header};

use super::{lazy_client::LazyClient, provider_resolver::ProviderResolver};

/// The timeout of a request, from the DNS lookup to the last byte.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

/// The HTTP client for one provider.
pub(super) struct ProviderHttp {
    client: LazyClient,
    /// The maximum size of an answer.
    max_bytes: usize,
}

/// An answer of a provider, with any status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: header::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Returns the value of a header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl ProviderHttp {
    /// Creates a client that reads at most `max_bytes` of an answer.
    pub(super) fn new(max_bytes: usize) -> Self {
        let resolver = Arc::new(ProviderResolver::default());
        let client = LazyClient::new(move || {
            reqwest::Client::builder()
                .dns_resolver(Arc::clone(&resolver))
                // A redirect could leave the host that the operator or discovery named, and take
                // secrets along.
                .redirect(reqwest::redirect::Policy::none())
                .timeout(REQUEST_TIMEOUT)
                .user_agent(concat!("mcp-oauth-gateway/", env!("CARGO_PKG_VERSION")))
                .build()
        });
        Self { client, max_bytes }
    }

    /// Fetches `url` in the form `accept`, with the access token `bearer` if there is one.
    pub(super) async fn get(
        &self,
        url: &str,
        accept: &str,
        bearer: Option<&str>,
    ) -> Result<Answer, Sending> {
        let mut request = self.client.get()?.get(url).header(header::ACCEPT, accept);
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Answer { status, headers, body: self.read(answer).await? })
    }

    /// Sends a token request. An answer that says nothing about the request is an error.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Sending> {
        let answer = self.client.get()?.execute(request.try_into()?).await?;
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
        Ok(response.body(self.read(answer).await?)?)
    }

    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, Sending> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > self.max_bytes {
                return Err(Sending::TooLarge(self.max_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The client of token requests. A closure instead would make the futures of callers not `Send`.
impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = Sending;
    type Future = BoxFuture<'c, Result<HttpResponse, Sending>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

/// The transport error of a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Sending {
    #[error("status {0}")]
    Status(StatusCode),
    #[error("{0:?}")]
    Http(reqwest::Error),
    #[error(transparent)]
    Response(#[from] oauth2::http::Error),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl From<reqwest::Error> for Sending {
    fn from(error: reqwest::Error) -> Self {
        // The URL contains no secret, but only the chain of causes is useful.
        Self::Http(error.without_url())
    }
}
