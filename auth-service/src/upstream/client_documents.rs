//! Fetches client metadata documents (draft-ietf-oauth-client-id-metadata-document §6) and key sets
//! of clients. Anonymous requests choose these URLs, so fetches are protected against SSRF and
//! overload. They connect only to public addresses, have limited concurrency, and coalesce equal
//! URLs. Failures go into a negative cache.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use reqwest::{Url, dns::Resolve};

use super::{fetch_slots::Slots, lazy_client::LazyClient, public_resolver::PublicResolver};
use crate::model::{Fingerprint, UnixTime};

/// The maximum size of a document. The draft suggests 5 KB, and the documents of known clients are
/// smaller than 1 KB.
const MAX_BYTES: usize = 16 * 1024;
/// The timeout of a fetch, from the DNS lookup to the last byte.
const FETCH_TIMEOUT: Duration = Duration::from_secs(4);
/// The minimum and maximum cache lifetime in seconds, whatever the response says. An uncacheable
/// document would otherwise be fetched at each step of a login.
const KEEP: (u64, u64) = (300, 86_400);
/// The lifetime of a negative cache entry, for a URL that failed or a host that did not answer.
pub const FAILURE_KEPT: Duration = Duration::from_secs(30);
/// The capacity of the negative cache, with about 100 bytes per entry.
const MOST_FAILURES: usize = 1024;

/// The error of a fetch. It is only for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The request failed, or the HTTP client could not be created.
    #[error("{0:?}")]
    Http(Arc<reqwest::Error>),
    /// The response status is not 200.
    #[error("status {0}")]
    Status(u16),
    /// The document exceeds [`MAX_BYTES`].
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The URL or its host is in the negative cache.
    #[error("failed less than {} s ago", FAILURE_KEPT.as_secs())]
    FailedRecently,
    /// No slot for a fetch is free.
    #[error("too many fetches in flight")]
    Busy,
}

impl Error {
    /// Returns `true` if no request was sent, because of earlier failures or of the load.
    #[must_use]
    pub const fn is_repeated(&self) -> bool {
        matches!(self, Self::FailedRecently | Self::Busy)
    }

    /// Returns `true` if the failure concerns the host and not only the URL.
    fn is_of_host(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_connect() || error.is_timeout())
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(Arc::new(error))
    }
}

/// A document and its cache lifetime.
#[derive(Debug)]
pub struct Document {
    /// The body of the response, unparsed.
    pub body: Vec<u8>,
    /// The cache lifetime: `Cache-Control: max-age` minus `Age` (RFC 9111 §4.2), clamped.
    pub keep: Duration,
}

/// The outcome of a fetch: a document for coalesced callers, or a negative cache entry.
#[derive(Clone)]
enum Outcome {
    Fetched(Arc<Document>),
    Failed(UnixTime),
}

/// A fetcher of client documents with SSRF protection.
pub struct ClientDocuments {
    http: LazyClient,
    slots: Arc<Slots>,
    /// The outcomes by fingerprint of the URL, or of the host if that did not answer.
    outcomes: Cache<Fingerprint, Outcome>,
}

/// Creates a fetcher that connects only to public addresses.
impl Default for ClientDocuments {
    fn default() -> Self {
        Self::resolving_by(Arc::new(PublicResolver::of_system()), None)
    }
}

impl ClientDocuments {
    /// Creates a fetcher that connects to the addresses from `resolver`. It trusts only the
    /// certificate authority `authority`, if there is one.
    #[must_use]
    pub fn resolving_by(
        resolver: Arc<dyn Resolve>,
        authority: Option<reqwest::Certificate>,
    ) -> Self {
        let http = LazyClient::new(move || {
            let mut client = reqwest::Client::builder()
                // The host name is resolved once, and the connection uses the checked address. A
                // proxy from the environment would resolve it again.
                .dns_resolver(Arc::clone(&resolver))
                .no_proxy()
                .https_only(true)
                // A redirect would bypass the check of the URL.
                .redirect(reqwest::redirect::Policy::none())
                // Otherwise, an idle connection to each requested host would stay open.
                .pool_max_idle_per_host(0)
                .timeout(FETCH_TIMEOUT)
                .user_agent(concat!("mcp-oauth-gateway/", env!("CARGO_PKG_VERSION")));
            if let Some(authority) = &authority {
                client = client.tls_certs_only([authority.clone()]);
            }
            client.build()
        });
        Self { http, slots: Arc::default(), outcomes: Cache::new(MOST_FAILURES) }
    }

    /// Fetches the document at `url`, whose host must be a name and not an address.
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
                            // Only for coalesced callers; the caller caches valid documents.
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

    /// Adds `url` to the negative cache, because its document is invalid.
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

/// Returns the `max-age` of a `Cache-Control` header, or 0 if it has none.
pub(super) fn max_age(cache_control: &str) -> u64 {
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
