//! Fetches client metadata documents (draft-ietf-oauth-client-id-metadata-document §6) and key sets of
//! clients. Strangers choose these URLs: they must not make this server call its own network, nor keep
//! it busy. Public addresses only, a limited number in flight, one fetch for equal URLs, and failures
//! are remembered for a while.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use reqwest::{Url, dns::Resolve};

use super::{fetch_slots::Slots, lazy_client::LazyClient, public_resolver::PublicResolver};
use crate::model::{Fingerprint, UnixTime};

/// The draft suggests 5 KB; documents of known clients are below 1 KB.
const MAX_BYTES: usize = 16 * 1024;
/// The time limit of a fetch, from the look-up of the name to the last byte.
const PATIENCE: Duration = Duration::from_secs(4);
/// However short or long a document says it may be kept: one that must not be kept at all would be
/// fetched at each step of a login.
const KEEP: (u64, u64) = (300, 86_400);
/// How long a URL is not fetched again after a failure, nor anything from a host that did not answer.
pub const FAILURE_KEPT: Duration = Duration::from_secs(30);
/// The most failures that are remembered, some 100 bytes each.
const MOST_FAILURES: usize = 1024;

/// Why there is no document; for the log alone.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The request failed, or there is no client to make it.
    #[error("{0:?}")]
    Http(Arc<reqwest::Error>),
    /// It was not answered with a document.
    #[error("status {0}")]
    Status(u16),
    /// It is too large.
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The same URL, or its host, failed before.
    #[error("failed less than {} s ago", FAILURE_KEPT.as_secs())]
    FailedRecently,
    /// Too many fetches are in flight.
    #[error("too many fetches in flight")]
    Busy,
}

impl Error {
    /// Returns `true` if nothing was asked of the host because of what happened before.
    #[must_use]
    pub const fn is_repeated(&self) -> bool {
        matches!(self, Self::FailedRecently | Self::Busy)
    }

    /// Returns `true` if the host did not answer, whatever the path.
    fn is_of_host(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_connect() || error.is_timeout())
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(Arc::new(error))
    }
}

/// A document, and for how long it may be kept.
#[derive(Debug)]
pub struct Document {
    /// The JSON.
    pub body: Vec<u8>,
    /// From `Cache-Control: max-age` less `Age` (RFC 9111 §4.2), within bounds.
    pub keep: Duration,
}

/// The outcome of a fetch: a document for those who waited for the same fetch, or a failure to remember.
#[derive(Clone)]
enum Outcome {
    Fetched(Arc<Document>),
    Failed(UnixTime),
}

/// Fetches documents.
pub struct ClientDocuments {
    http: LazyClient,
    slots: Arc<Slots>,
    /// By fingerprints of URLs, and of hosts that did not answer.
    outcomes: Cache<Fingerprint, Outcome>,
}

/// A fetcher that reaches public addresses and nothing else.
impl Default for ClientDocuments {
    fn default() -> Self {
        Self::resolving_by(Arc::new(PublicResolver::of_system()), None)
    }
}

impl ClientDocuments {
    /// A fetcher that reaches what `resolver` says, and trusts only `authority` if there is one.
    #[must_use]
    pub fn resolving_by(
        resolver: Arc<dyn Resolve>,
        authority: Option<reqwest::Certificate>,
    ) -> Self {
        let http = LazyClient::new(move || {
            let mut client = reqwest::Client::builder()
                // The address is resolved once, checked, and connected to. A proxy of the
                // environment would resolve it again.
                .dns_resolver(Arc::clone(&resolver))
                .no_proxy()
                .https_only(true)
                // A redirect would lead past the check of the URL.
                .redirect(reqwest::redirect::Policy::none())
                // An idle connection to each host that strangers name would stay open.
                .pool_max_idle_per_host(0)
                .timeout(PATIENCE)
                .user_agent(concat!("mcp-oauth-gateway/", env!("CARGO_PKG_VERSION")));
            if let Some(authority) = &authority {
                client = client.tls_certs_only([authority.clone()]);
            }
            client.build()
        });
        Self { http, slots: Arc::default(), outcomes: Cache::new(MOST_FAILURES) }
    }

    /// Returns the document at `url`, which has a host name and not an address.
    pub async fn fetch(&self, url: &str, now: UnixTime) -> Result<Arc<Document>, Error> {
        let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.unwrap_or_default();
        if matches!(self.outcomes.get(&Fingerprint::of(&host)), Some(Outcome::Failed(until)) if now < until)
        {
            return Err(Error::FailedRecently);
        }
        let key = Fingerprint::of(url);
        loop {
            match self.outcomes.get_value_or_guard_async(&key).await {
                Ok(Outcome::Fetched(document)) => return Ok(document),
                Ok(Outcome::Failed(until)) if now < until => return Err(Error::FailedRecently),
                Ok(Outcome::Failed(_)) => {
                    let over = |outcome: &Outcome| matches!(outcome, Outcome::Failed(until) if *until <= now);
                    self.outcomes.remove_if(&key, over);
                }
                Err(guard) => {
                    let fetched = self.fetch_in_slot(url, &host).await;
                    match &fetched {
                        Ok(document) => {
                            // For those who wait; what is worth keeping, the caller keeps.
                            drop(guard.insert(Outcome::Fetched(Arc::clone(document))));
                            self.outcomes.remove(&key);
                        }
                        Err(Error::Busy) => {}
                        Err(error) => {
                            let failed = Outcome::Failed(now.plus(FAILURE_KEPT));
                            if error.is_of_host() {
                                self.outcomes.insert(Fingerprint::of(&host), failed.clone());
                            }
                            drop(guard.insert(failed));
                        }
                    }
                    return fetched;
                }
            }
        }
    }

    /// Remembers that what was fetched from `url` is of no use.
    pub fn reject(&self, url: &str, now: UnixTime) {
        self.outcomes.insert(Fingerprint::of(url), Outcome::Failed(now.plus(FAILURE_KEPT)));
    }

    async fn fetch_in_slot(&self, url: &str, host: &str) -> Result<Arc<Document>, Error> {
        let slot = self.slots.take(host).ok_or(Error::Busy)?;
        slot.run(self.get(url)).await.ok_or(Error::Busy)?.map(Arc::new)
    }

    async fn get(&self, url: &str) -> Result<Document, Error> {
        let request = self.http.get()?.get(url).header("Accept", "application/json");
        let mut answer = request.send().await?;
        if answer.status() != 200 {
            return Err(Error::Status(answer.status().as_u16()));
        }
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let age = header("Age").and_then(|age| age.parse().ok()).unwrap_or(0);
        let left = max_age(header("Cache-Control").unwrap_or("")).saturating_sub(age);
        let keep = Duration::from_secs(left.clamp(KEEP.0, KEEP.1));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Document { body, keep })
    }
}

fn max_age(cache_control: &str) -> u64 {
    let mut directives = cache_control.split(',').map(str::trim);
    directives.find_map(|one| one.strip_prefix("max-age=")?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_keep_a_document_is_read_from_its_headers() {
        assert_eq!(max_age("public, max-age=3600, must-revalidate"), 3600);
        assert_eq!(max_age("no-store"), 0);
        assert_eq!(max_age("max-age=x"), 0);
    }
}
