//! Source addresses, and an HTTP client for each.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client};

/// How long a request may take. A flooder that waited longer would only flood less.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most addresses, each in a /24 of its own so that no limit on a network adds them up.
pub const MOST: u64 = 16_000;

/// The way to auth-service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through Traefik with TLS, from peers in 127.0.0.0/8.
    Traefik,
    /// To the listener of auth-service at this address, as a trusted forwarder.
    Direct(SocketAddr),
}

/// The addresses that requests come from.
pub struct Sources {
    way: Way,
    authority: Certificate,
    count: u64,
}

impl Sources {
    /// `count` addresses; TLS trusts `authority` alone.
    #[must_use]
    pub fn new(way: Way, authority: Certificate, count: u64) -> Self {
        Self { way, authority, count: count.clamp(1, MOST) }
    }

    /// How requests reach auth-service.
    #[must_use]
    pub const fn way(&self) -> Way {
        self.way
    }

    /// The number of addresses.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The address of request `number`; they come by turns.
    #[must_use]
    pub fn address(&self, number: u64) -> Ipv4Addr {
        let [.., high, low] = (number % self.count).to_be_bytes();
        match self.way {
            Way::Traefik => Ipv4Addr::new(127, 1 + high, low, 1),
            // Shared address space (RFC 6598), which is neither loopback nor private.
            Way::Direct(_) => Ipv4Addr::new(100, 64 + high, low, 1),
        }
    }

    /// A client without connections, whose requests come from the address of `number`.
    pub fn client(&self, number: u64) -> reqwest::Result<Client> {
        let client = Client::builder()
            .tls_certs_only([self.authority.clone()])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .timeout(TIMEOUT)
            .dns_resolver(Arc::new(Loopback));
        let client = match self.way {
            Way::Traefik => client.local_address(IpAddr::V4(self.address(number))),
            Way::Direct(_) => client,
        };
        client.build()
    }
}

/// Resolves every name to this machine.
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, _: Name) -> Resolving {
        let here: Addrs = Box::new(std::iter::once(SocketAddr::from(([127, 0, 0, 1], 0))));
        Box::pin(std::future::ready(Ok(here)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_address_is_in_a_network_of_its_own() {
        for way in [Way::Traefik, Way::Direct(SocketAddr::from(([127, 0, 0, 1], 1)))] {
            let sources = Sources::new(way, unread(), MOST);
            let networks: HashSet<_> =
                (0..MOST).map(|number| sources.address(number).octets()).collect();
            assert_eq!(networks.len() as u64, MOST);
            assert!(networks.iter().all(|octets| octets[3] == 1));
        }
    }

    fn unread() -> Certificate {
        Certificate::from_der(&[0]).expect("it is not read before it is used")
    }
}
