//! Fetches client metadata documents (draft-ietf-oauth-client-id-metadata-document §6) from public
//! addresses only: whoever names a URL must not make this server call its own network.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::lazy_client::LazyClient;

/// The draft suggests 5 KB; documents of known clients are below 1 KB.
const MAX_BYTES: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(4);
/// However short or long a document says it may be kept: one that must not be kept at all would be
/// fetched at each step of a login.
const KEEP: (u64, u64) = (300, 86_400);

/// Why there is no document; for the log alone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request failed, or there is no client to make it.
    #[error("{0:?}")]
    Http(reqwest::Error),
    /// It was not answered with a document.
    #[error("status {0}")]
    Status(u16),
    /// It is too large.
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
}

/// A document, and for how long it may be kept.
#[derive(Debug)]
pub struct Document {
    /// The JSON.
    pub body: Vec<u8>,
    /// From `Cache-Control: max-age` less `Age` (RFC 9111 §4.2), within bounds.
    pub keep: Duration,
}

/// Fetches documents.
pub struct ClientDocuments {
    http: LazyClient,
}

/// A fetcher that reaches public addresses and nothing else.
impl Default for ClientDocuments {
    fn default() -> Self {
        Self::resolving_by(Arc::new(PublicOnly), None)
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
                .timeout(PATIENCE)
                .user_agent(concat!("mcp-oauth-gateway/", env!("CARGO_PKG_VERSION")));
            if let Some(authority) = &authority {
                client = client.tls_certs_only([authority.clone()]);
            }
            client.build()
        });
        Self { http }
    }

    /// The document at `url`, which has a host name and not an address.
    pub async fn fetch(&self, url: &str) -> Result<Document, Error> {
        let request =
            self.http.get().map_err(Error::Http)?.get(url).header("Accept", "application/json");
        let mut answer = request.send().await.map_err(Error::Http)?;
        if answer.status() != 200 {
            return Err(Error::Status(answer.status().as_u16()));
        }
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let age = header("Age").and_then(|age| age.parse().ok()).unwrap_or(0);
        let left = max_age(header("Cache-Control").unwrap_or("")).saturating_sub(age);
        let keep = Duration::from_secs(left.clamp(KEEP.0, KEEP.1));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(Error::Http)? {
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

/// Resolves names as the system does, and refuses those with any address that is not public.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if addresses.is_empty() || !addresses.iter().all(|address| is_public(address.ip())) {
                return Err("the name does not lead to public addresses alone".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether `address` is one of the public internet (IANA special-purpose address registries).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT, RFC 6598
                || (a == 192 && b == 0 && c == 0) // RFC 6890
                || (a == 192 && b == 88 && c == 99) // 6to4 relays, RFC 7526
                || (a == 198 && (b == 18 || b == 19))) // benchmarks, RFC 2544
        }
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [first, second, ..] = segments;
    // Only 2000::/3 is handed out; out of it: documentation, Teredo and 6to4, which hide an IPv4
    // address, and 2001::/23 with ORCHID and benchmarks. Mapped (::ffff:0:0/96) and NAT64
    // (64:ff9b::/96) addresses lie outside.
    (0x2000..0x4000).contains(&first)
        && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        && first != 0x2002
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_ones_own_network_are_not_public() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "203.0.113.9",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "160.79.104.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_time_to_keep_a_document_is_read_from_its_headers() {
        assert_eq!(max_age("public, max-age=3600, must-revalidate"), 3600);
        assert_eq!(max_age("no-store"), 0);
        assert_eq!(max_age("max-age=x"), 0);
    }
}
