//! Asks the gateway for a document.

use std::time::Duration;

use reqwest::{Client, Url, redirect};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer, in bytes.
const LONGEST: usize = 64 << 10;

/// A document cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No answer, or none that is good.
    #[error("no answer")]
    Http(#[from] reqwest::Error),
    /// An answer without end.
    #[error("the answer is longer than {LONGEST} bytes")]
    Long,
}

/// An HTTP client for what is inside the gateway.
#[derive(Clone)]
pub(super) struct Fetcher(Client);

impl Fetcher {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .build()?;
        Ok(Self(client))
    }

    /// Returns the document at `url`.
    pub(super) async fn fetch(&self, url: Url) -> Result<Vec<u8>, Error> {
        let mut response = self.0.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            body.extend_from_slice(&piece);
            if body.len() > LONGEST {
                return Err(Error::Long);
            }
        }
        Ok(body)
    }
}
