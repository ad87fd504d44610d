//! How often is too often. Bounds on an address are wide, since many people may share it; what a
//! client does for one person has a budget of its own for each grant type, so that a loop in one
//! place locks nobody out elsewhere.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::hmac;
use ipnet::IpNet;

use super::{Core, Endpoint, Error};
use crate::{
    model::{ClientId, Identifier},
    store::Bound,
};

const MINUTE: Duration = Duration::from_mins(1);
const WINDOW: Duration = Duration::from_mins(10);

/// How often an address may open the page of devices in ten minutes. A user code has 34.6 bits and lives
/// for five: with this, guessing from 10,000 addresses hits a given code with a chance of 1 in 40,000
/// (RFC 8628 §5.1).
const DEVICE_PAGES: u32 = 60;

/// How many wrong login codes one flow may try.
pub(super) const LOGIN_CODE_TRIES: u64 = 5;

/// How many assertions of one client are taken in a minute.
const ASSERTIONS: u32 = 600;

impl Core {
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
        let mut bounds = Vec::new();
        bounds.extend(limits.address.map(|most| self.bound("address", &who, (most, MINUTE))));
        // What is stored for the first two is stored for minutes; the codes of the third are short.
        let more = match endpoint {
            Endpoint::Register => limits.register.map(|most| ("register", most)),
            Endpoint::DeviceAuthorization => limits.register.map(|most| ("device", most)),
            Endpoint::Device => limits.address.map(|_| ("device-page", DEVICE_PAGES)),
            _ => None,
        };
        bounds.extend(more.map(|(kind, most)| self.bound(kind, &who, (most, WINDOW))));
        self.count("address", &bounds).await
    }

    /// Counts a wrong login code in the flow `id`, and returns how many there were.
    pub(super) async fn count_wrong_code(&self, id: &Identifier) -> Result<u64, Error> {
        let bound = self.bound("login-code", id.as_str(), (0, WINDOW));
        Ok(self.store.counts(&[bound], self.now()).await?.into_iter().sum())
    }

    /// Counts an assertion of a client that somebody has consented to: each is remembered until it
    /// ends.
    pub(super) async fn within_assertion_limit(&self, client: &ClientId) -> Result<(), Error> {
        let bound = self.bound("assertion", client.as_str(), (ASSERTIONS, MINUTE));
        self.count("client", &[bound]).await
    }

    fn bound(&self, kind: &'static str, subject: &str, (most, window): (u32, Duration)) -> Bound {
        let tag = hmac::sign(&self.limits_key, subject.as_bytes());
        let mut digest = [0; 32];
        digest.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Bound { kind, subject: digest, most, window }
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
        let who = format!("{grant_type} {client} {subject}");
        self.count("client", &[self.bound("client", &who, (most, MINUTE))]).await
    }

    async fn count(&self, whose: &str, bounds: &[Bound]) -> Result<(), Error> {
        match self.store.count(bounds, self.now()).await? {
            None => Ok(()),
            Some(wait) => {
                self.metrics.limited(whose);
                let kinds: Vec<_> = bounds.iter().map(|bound| bound.kind).collect();
                log::warn!(target: "audit", kinds:? = kinds; "too many requests");
                Err(Error::TooManyRequests(wait))
            }
        }
    }

    /// Returns `true` if what `peer` says of the requests it forwards is believed (`TRUSTED_PROXIES`).
    #[must_use]
    pub fn trusts_forwarded(&self, peer: IpAddr) -> bool {
        within(&self.config.limits.trusted_proxies, peer)
    }

    /// The address that a request counts for: of the peer, or if that is a proxy of ours, the last
    /// one in `X-Forwarded-For` that is no hop of ours. Hops are what stands in front of Traefik (`FRONT_PROXIES`), if
    /// that is known, else what is trusted at all. What stands left of the address is the client's own word.
    #[must_use]
    pub fn client_address(&self, peer: IpAddr, forwarded_for: &str) -> IpAddr {
        let limits = &self.config.limits;
        let mut address = peer.to_canonical();
        if !self.trusts_forwarded(address) {
            return address;
        }
        let front = &limits.front_proxies;
        let hops = if front.is_empty() { &limits.trusted_proxies } else { front };
        let mut nearest = None;
        for entry in forwarded_for.rsplit(',') {
            // Whatever is not an address ends the chain of those who are believed.
            let Some(next) = parse(entry) else { break };
            nearest.get_or_insert(next);
            address = next;
            if !within(hops, next) {
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
