//! The sender of a request, as far as it is known.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{LastUse, UnixTime};

/// The sender of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address of the client.
    pub address: IpAddr,
    /// The `User-Agent`, if there is one.
    pub user_agent: Option<String>,
    /// The request id, as in `X-Request-Id`.
    pub request_id: Option<String>,
}

impl Default for Caller {
    fn default() -> Self {
        Self { address: Ipv4Addr::LOCALHOST.into(), user_agent: None, request_id: None }
    }
}

/// The time and place of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInPlace {
    /// The time of the sign-in.
    pub at: UnixTime,
    /// The network of the browser: the /24 of an IPv4 address, the /64 of an IPv6 address.
    pub network: String,
    /// The kind of program, from its `User-Agent`.
    pub program: String,
}

impl SignInPlace {
    /// Returns the place of a sign-in at `now` by `caller`.
    #[must_use]
    pub fn of(caller: &Caller, now: UnixTime) -> Self {
        let LastUse { network, program, .. } =
            LastUse::new(now, caller.address, caller.user_agent.as_deref());
        Self { at: now, network, program: program.to_owned() }
    }
}
