//! Retrieval of documents of the gateway.

use std::time::Duration;

use reqwest::{Client, Url, redirect};

/// The timeout for a response.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum length of a response, in bytes.
const LONGEST_BODY: usize = 64 << 10;

/// The reason why a document cannot be retrieved.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The request failed, or the response has an error status.
    #[error("no answer")]
    Http(#[from] reqwest::Error),
    /// The response exceeds the maximum length.
    #[error("the answer is longer than {LONGEST_BODY} bytes")]
    Long,
}

/// An HTTP client for internal endpoints of the gateway.
#[derive(Clone)]
pub(super) struct Fetcher(Client);

impl Fetcher {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(FETCH_TIMEOUT)
            .connect_timeout(FETCH_TIMEOUT)
            .build()?;
        Ok(Self(client))
    }

    /// Returns the document at `url`.
    pub(super) async fn fetch(&self, url: Url) -> Result<Vec<u8>, Error> {
        let mut response = self.0.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            body.extend_from_slice(&piece);
            if body.len() > LONGEST_BODY {
                return Err(Error::Long);
            }
        }
        Ok(body)
    }
}
