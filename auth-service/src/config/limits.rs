//! Rate limits, trusted proxies, and address ranges without a limit.

use ipnet::IpNet;

use super::{Raw, check::Check};

/// The default of `TRUSTED_PROXIES`: loopback and the private ranges, which no request from the internet
/// can come from (RFC 1918, RFC 4193).
const PRIVATE: &str = "127.0.0.0/8, ::1/128, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7";

/// The default of `KNOWN_EGRESS`: the range that requests of all users of Anthropic's clients come from.
const WELL_KNOWN: &str = "160.79.104.0/21";

/// Rate limits and the proxies that are relevant to them. A rate limit of `None` is off.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `TRUSTED_PROXIES`: the addresses whose `X-Forwarded-*` headers are trusted and that may call
    /// `/verify`.
    pub trusted_proxies: Vec<IpNet>,
    /// `FRONT_PROXIES`: the proxies in front of Traefik, which state the client address in
    /// `X-Forwarded-For`.
    pub front_proxies: Vec<IpNet>,
    /// `KNOWN_EGRESS`: address ranges shared by many users, to which no rate limit per address applies.
    pub known_egress: Vec<IpNet>,
    /// `RATE_LIMIT_ADDRESS`: requests per address and minute. Default: 600; 0 is off.
    pub address: Option<u32>,
    /// `RATE_LIMIT_REGISTER`: registrations per address and 10 minutes, and likewise device
    /// authorizations. Default: 60; 0 is off.
    pub register: Option<u32>,
    /// `RATE_LIMIT_CLIENT`: token requests per client, user, grant type and minute. Default: 60; 0 is
    /// off.
    pub client: Option<u32>,
}

impl Check {
    pub(super) fn limits(&mut self, raw: &Raw) -> Limits {
        let trusted = raw.trusted_proxies.as_deref().unwrap_or(PRIVATE);
        let known = raw.known_egress.as_deref().unwrap_or(WELL_KNOWN);
        Limits {
            trusted_proxies: self.ranges("TRUSTED_PROXIES", trusted),
            front_proxies: self.ranges("FRONT_PROXIES", raw.front_proxies.as_deref().unwrap_or("")),
            known_egress: self.ranges("KNOWN_EGRESS", known),
            address: self.bound("RATE_LIMIT_ADDRESS", raw.rate_limit_address.as_ref(), 600),
            register: self.bound("RATE_LIMIT_REGISTER", raw.rate_limit_register.as_ref(), 60),
            client: self.bound("RATE_LIMIT_CLIENT", raw.rate_limit_client.as_ref(), 60),
        }
    }

    fn bound(&mut self, name: &str, text: Option<&String>, default: u32) -> Option<u32> {
        Some(self.number(name, text, default)).filter(|&bound| bound > 0)
    }

    /// Reads comma-separated ranges. A single address is a range of one. The word `none` gives an empty
    /// list, because an empty variable counts as unset.
    fn ranges(&mut self, name: &str, text: &str) -> Vec<IpNet> {
        let mut ranges = Vec::new();
        let entries = text.split(',').map(str::trim).filter(|entry| !matches!(*entry, "" | "none"));
        for entry in entries {
            let range = entry.parse::<IpNet>().or_else(|error| {
                entry.parse().map(|address: std::net::IpAddr| address.into()).map_err(|_| error)
            });
            match range {
                Ok(range) => ranges.push(range),
                Err(error) => self.0.push(format!("{name}: \"{entry}\": {error}")),
            }
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_networks_or_single_addresses() {
        let mut check = Check::default();
        assert_eq!(check.ranges("X", PRIVATE).len(), 6);
        assert_eq!(
            check.ranges("X", "192.0.2.1, 2001:db8::/32"),
            ["192.0.2.1/32".parse().unwrap(), "2001:db8::/32".parse().unwrap()]
        );
        assert!(check.ranges("X", "none").is_empty());
        assert!(check.0.is_empty());
        check.ranges("X", "10.0.0.0/33, localhost");
        assert_eq!(check.0.len(), 2, "{:?}", check.0);
    }
}
