//! How much is too much, and whose address counts.

use ipnet::IpNet;

use super::{Raw, check::Check};

/// Loopback, and the ranges that nobody can come from over the internet.
const PRIVATE: &str = "127.0.0.0/8, ::1/128, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7";

/// Where Anthropic's clients call from, all of its people.
const WELL_KNOWN: &str = "160.79.104.0/21";

/// Bounds on requests; a bound of `None` is off.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed, and who may ask `/verify`.
    pub trusted_proxies: Vec<IpNet>,
    /// `FRONT_PROXIES`: what stands in front of Traefik, and says in `X-Forwarded-For` who asks it.
    pub front_proxies: Vec<IpNet>,
    /// `KNOWN_EGRESS`: addresses that many people share, which no bound on an address fits.
    pub known_egress: Vec<IpNet>,
    /// `RATE_LIMIT_ADDRESS`: requests of an address in a minute, 600; 0 is off.
    pub address: Option<u32>,
    /// `RATE_LIMIT_REGISTER`: registrations of an address in 10 minutes, 60; 0 is off.
    pub register: Option<u32>,
    /// `RATE_LIMIT_CLIENT`: token requests of a client, for a person, in a minute, 60; 0 is off.
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

    /// Comma-separated ranges; an address alone is a range of one. `none` is an empty list, since an
    /// empty variable counts as absent.
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
