//! Rate limits per address, per client and per login flow.
//!
//! The limits of an address are wide, because many people may share it. The requests of a client
//! for one person have a separate budget per grant type. A request loop therefore locks out neither
//! other people nor other clients.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::hmac;
use gateway_contract::audit::EventKind;
use ipnet::IpNet;

use super::{Core, Endpoint, Error};
use crate::{
    model::{ClientId, Identifier},
    store::Bound,
};

const MINUTE: Duration = Duration::from_mins(1);
const WINDOW: Duration = Duration::from_mins(10);

/// The number of times that an address may open the device page in ten minutes.
///
/// A user code has 34.6 bits of entropy and lives for five minutes. At this limit, an attacker with
/// 10,000 addresses guesses a given code with a probability of 1 in 40,000 (RFC 8628 §5.1).
const DEVICE_PAGES: u32 = 60;

/// The number of wrong login codes at which a flow is aborted.
pub(super) const LOGIN_CODE_TRIES: u64 = 5;

/// The number of assertions that a client may present per minute.
const ASSERTIONS: u32 = 600;

/// A rate limit: the maximum number of requests in a time window.
#[derive(Clone, Copy)]
struct RateLimit {
    most: u32,
    window: Duration,
}

impl RateLimit {
    const fn per_minute(most: u32) -> Self {
        Self { most, window: MINUTE }
    }

    const fn per_ten_minutes(most: u32) -> Self {
        Self { most, window: WINDOW }
    }
}

impl Core {
    /// Counts a request from `address` to `endpoint`.
    ///
    /// Returns [`Error::TooManyRequests`] if the address exceeds a limit.
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
        let per_minute = limits.address.map(RateLimit::per_minute);
        bounds.extend(per_minute.map(|limit| self.bound("address", &who, limit)));
        // The first two endpoints create records that live for minutes. The codes of the third are
        // short enough to guess.
        let more = match endpoint {
            Endpoint::Register => limits.register.map(|most| ("register", most)),
            Endpoint::DeviceAuthorization => limits.register.map(|most| ("device", most)),
            Endpoint::Device => limits.address.map(|_| ("device-page", DEVICE_PAGES)),
            _ => None,
        };
        bounds.extend(
            more.map(|(kind, most)| self.bound(kind, &who, RateLimit::per_ten_minutes(most))),
        );
        self.count(("address", Some(address)), &bounds).await
    }

    /// Counts a wrong login code in the flow `id`, and returns the number of wrong codes so far.
    pub(super) async fn count_wrong_code(&self, id: &Identifier) -> Result<u64, Error> {
        let bound = self.bound("login-code", id.as_str(), RateLimit::per_ten_minutes(0));
        Ok(self.store.counters.counts(&[bound], self.now()).await?.into_iter().sum())
    }

    /// Counts an assertion of a client that a person has consented to.
    ///
    /// The limit bounds memory, because the store remembers each assertion until it expires.
    pub(super) async fn within_assertion_limit(&self, client: &ClientId) -> Result<(), Error> {
        let bound = self.bound("assertion", client.as_str(), RateLimit::per_minute(ASSERTIONS));
        self.count(("client", None), &[bound]).await
    }

    fn bound(&self, kind: &'static str, subject: &str, limit: RateLimit) -> Bound {
        let tag = hmac::sign(&self.limits_key, subject.as_bytes());
        let mut digest = [0; 32];
        digest.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Bound { kind, subject: digest, most: limit.most, window: limit.window }
    }

    /// Counts a token request of `client` for `subject`.
    ///
    /// Must be called only after both are proven. An attacker who names a public client or guesses a
    /// code then uses up only the budget of their own address.
    pub(super) async fn within_client_limit(
        &self,
        grant_type: &str,
        client: &ClientId,
        subject: &str,
    ) -> Result<(), Error> {
        let Some(most) = self.config.limits.client else { return Ok(()) };
        let who = format!("{grant_type} {client} {subject}");
        let bound = self.bound("client", &who, RateLimit::per_minute(most));
        self.count(("client", None), &[bound]).await
    }

    async fn count(
        &self,
        (whose, address): (&'static str, Option<IpAddr>),
        bounds: &[Bound],
    ) -> Result<(), Error> {
        match self.store.counters.count(bounds, self.now()).await? {
            None => Ok(()),
            Some(wait) => {
                self.metrics.limited(whose);
                let kinds: Vec<_> = bounds.iter().map(|bound| bound.kind).collect();
                let window = self.now().0.div_euclid(60);
                self.store.audit.tell_limited(whose, window, || {
                    let draft = self.draft(EventKind::RateLimited).denied(&kinds.join(" "));
                    draft.address(address)
                });
                log::warn!(target: "audit", kinds:? = kinds; "too many requests");
                Err(Error::TooManyRequests(wait))
            }
        }
    }

    /// Returns `true` if the `X-Forwarded-*` headers of `peer` are trusted (`TRUSTED_PROXIES`).
    #[must_use]
    pub fn trusts_forwarded(&self, peer: IpAddr) -> bool {
        within(&self.config.limits.trusted_proxies, peer)
    }

    /// Returns the client address of a request, for rate limiting.
    ///
    /// This is the address of `peer`, unless the peer is a trusted proxy. In that case it is the
    /// rightmost entry of `X-Forwarded-For` that is not a known hop. Known hops are the proxies in front
    /// of Traefik (`FRONT_PROXIES`), or, if that setting is empty, all trusted proxies. Entries further
    /// left are under the control of the client and are ignored.
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
            // An entry that is not an address ends the chain of trusted hops.
            let Some(next) = parse(entry) else { break };
            nearest.get_or_insert(next);
            address = next;
            if !within(hops, next) {
                return next;
            }
        }
        // All entries are known hops, as in a private network: use the one that the nearest proxy saw.
        nearest.unwrap_or(address)
    }
}

pub(super) fn within(ranges: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    ranges.iter().any(|range| range.contains(&address))
}

/// Parses an entry of `X-Forwarded-For`, with or without a port, which some proxies add.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let address = entry.parse().ok();
    let address =
        address.or_else(|| entry.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// Returns the subscriber of `address`: the address itself for IPv4, its /64 network for IPv6.
///
/// An IPv6 subscriber controls at least 2^64 addresses, so single addresses are not worth counting.
fn subscriber(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            format!("{network}/64")
        }
    }
}
