//! How often is too often. Bounds on an address are wide, since many people may share it; what a
//! client does for one person has a budget of its own for each grant type, so that a loop in one
//! place locks nobody out elsewhere.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;

use super::{AuthServer, Endpoint, Error};
use crate::{
    model::{ClientId, Fingerprint},
    store::Bound,
};

const MINUTE: Duration = Duration::from_mins(1);
const REGISTRATIONS: Duration = Duration::from_mins(10);
/// How often an address may open the page of devices in ten minutes. A user code has 34.6 bits and lives
/// for five: with this, guessing from 10,000 addresses hits a given code with a chance of 1 in 40,000
/// (RFC 8628 §5.1).
const DEVICE_PAGES: u32 = 60;
const DEVICES: Duration = Duration::from_mins(10);

impl AuthServer {
    /// Counts a request from `address` to `endpoint`.
    pub async fn within_address_limits(
        &self,
        address: IpAddr,
        endpoint: Endpoint,
    ) -> Result<(), Error> {
        let limits = &self.config.limits;
        if within(&limits.known_egress, address) {
            return Ok(());
        }
        let who = subscriber(address);
        let bound =
            |name: &str, most, window| Bound { what: format!("{name}:{who}"), most, window };
        let mut bounds = Vec::new();
        bounds.extend(limits.address.map(|most| bound("address", most, MINUTE)));
        if endpoint == Endpoint::Register {
            bounds.extend(limits.register.map(|most| bound("register", most, REGISTRATIONS)));
        }
        if endpoint == Endpoint::Device {
            bounds.extend(limits.address.map(|_| bound("device", DEVICE_PAGES, DEVICES)));
        }
        self.count("address", &bounds).await
    }

    /// Counts a token request of `client` for `subject`. Called only when both are proven: who names
    /// a public client, or guesses at a code, uses up nobody's budget but that of the address.
    pub(super) async fn within_client_limit(
        &self,
        grant_type: &str,
        client: &ClientId,
        subject: &str,
    ) -> Result<(), Error> {
        let Some(most) = self.config.limits.client else { return Ok(()) };
        let who = Fingerprint::of(&format!("{client} {subject}"));
        let what = format!("{grant_type}:{who}");
        self.count("client", &[Bound { what, most, window: MINUTE }]).await
    }

    async fn count(&self, whose: &str, bounds: &[Bound]) -> Result<(), Error> {
        match self.store.count(bounds, self.now()).await? {
            None => Ok(()),
            Some(wait) => {
                self.metrics.limited(whose);
                log::warn!(target: "audit", bounds:? = bounds; "too many requests");
                Err(Error::TooManyRequests(wait))
            }
        }
    }

    /// The address that a request counts for: of the peer, or if that is a proxy of ours, the last
    /// one in `X-Forwarded-For` that is not. What stands left of that is the client's own word.
    #[must_use]
    pub fn client_address(&self, peer: IpAddr, forwarded_for: &str) -> IpAddr {
        let trusted = |address| within(&self.config.limits.trusted_proxies, address);
        let mut address = peer.to_canonical();
        if !trusted(address) {
            return address;
        }
        let mut nearest = None;
        for entry in forwarded_for.rsplit(',') {
            // Whatever is not an address ends the chain of those who are believed.
            let Some(next) = parse(entry) else { break };
            nearest.get_or_insert(next);
            address = next;
            if !trusted(next) {
                return next;
            }
        }
        // All are ours, as in a private network: the one that the proxy nearest to us saw.
        nearest.unwrap_or(address)
    }
}

pub(super) fn within(ranges: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    ranges.iter().any(|range| range.contains(&address))
}

/// An entry of `X-Forwarded-For`; some proxies add the port.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let address = entry.parse().ok();
    let address =
        address.or_else(|| entry.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// Who has `address`: of IPv6, whoever has one has at least 2^64 of them.
fn subscriber(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            format!("{network}/64")
        }
    }
}
