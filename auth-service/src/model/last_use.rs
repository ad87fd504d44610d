//! The last use of a grant: when, from which network, and by which kind of program. Coarse on purpose.

use std::{fmt, net::IpAddr, str::FromStr};

use gateway_contract::agent;
use serde::Serialize;

use super::UnixTime;

/// The length of the period that a use is told by, in seconds.
const MINUTE: i64 = 60;

/// The last use of a grant, or of any grant of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastUse {
    /// The minute of the use, as its first second.
    pub at: UnixTime,
    /// The network of the client: the /24 of an IPv4 address, the /64 of an IPv6 address.
    pub network: String,
    /// The kind of program, from its `User-Agent`.
    pub program: &'static str,
}

impl LastUse {
    /// Returns the use at `now` by a client at `address` with this `User-Agent`.
    #[must_use]
    pub fn new(now: UnixTime, address: IpAddr, user_agent: Option<&str>) -> Self {
        Self {
            at: UnixTime(minute(now) * MINUTE),
            network: network(address),
            program: agent::program(user_agent),
        }
    }
}

/// Returns the number of the minute of `now`.
#[must_use]
pub fn minute(now: UnixTime) -> i64 {
    now.0.div_euclid(MINUTE)
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            format!("{}/64", std::net::Ipv6Addr::from(network))
        }
    }
}

impl fmt::Display for LastUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.at.0, self.network, self.program)
    }
}

/// The error for a text that is not a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a use")]
pub struct InvalidUse;

impl FromStr for LastUse {
    type Err = InvalidUse;

    fn from_str(text: &str) -> Result<Self, InvalidUse> {
        let mut parts = text.splitn(3, ' ');
        let mut part = || parts.next().ok_or(InvalidUse);
        let at = UnixTime(part()?.parse().map_err(|_| InvalidUse)?);
        let (network, name) = (part()?.to_owned(), part()?);
        let program = agent::kind(name).unwrap_or(agent::OTHER);
        Ok(Self { at, network, program })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_coarse_and_read_back() {
        for (address, network) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            let seen =
                LastUse::new(UnixTime(125), address.parse().unwrap(), Some("claude-code/2.1"));
            assert_eq!((seen.at, &*seen.network), (UnixTime(120), network));
            assert_eq!(seen.to_string().parse(), Ok(seen));
        }
        assert_eq!("x".parse::<LastUse>(), Err(InvalidUse));
    }
}
