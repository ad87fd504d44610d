//! The programs of a run, and the ports that they have in its network namespace.

use std::{fmt, net::SocketAddr};

/// The number of instances of auth-service.
pub const INSTANCES: usize = 2;

/// The number of Redis nodes, and of sentinels.
pub const NODES: usize = 3;

/// The name of the master set at the sentinels.
pub const MASTER_SET: &str = "mcpgw";

/// The port of Traefik for clients.
pub const PUBLIC_PORT: u16 = 8443;

/// The port of Traefik by which ForwardAuth reaches all instances of auth-service.
pub const CHECKS_PORT: u16 = 8200;

/// The port of Traefik where mcp-stdio-proxy finds the keys and the feed of ended grants.
pub const KEYS_PORT: u16 = 8201;

/// The port of mcp-stdio-proxy.
pub const PROXY_PORT: u16 = 8300;

/// A program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// An instance of auth-service.
    Auth(usize),
    /// A Redis node.
    Redis(usize),
    /// A sentinel.
    Sentinel(usize),
    /// Traefik.
    Traefik,
    /// mcp-stdio-proxy.
    Proxy,
    /// A command of the operator, or any other program.
    Other,
}

impl Name {
    /// Returns the address that the program listens on.
    pub fn address(self) -> SocketAddr {
        let port = match self {
            Self::Redis(number) => numbered(7001, number),
            Self::Sentinel(number) => numbered(7201, number),
            Self::Auth(number) => numbered(8001, number),
            Self::Traefik => PUBLIC_PORT,
            Self::Proxy => PROXY_PORT,
            Self::Other => 0,
        };
        ([127, 0, 0, 1], port).into()
    }

    /// Returns the address of the relay in front of a Redis node or a sentinel, by which all others know it.
    pub fn relay(self) -> SocketAddr {
        let address = self.address();
        (address.ip(), address.port() + 100).into()
    }
}

fn numbered(first: u16, number: usize) -> u16 {
    first + u16::try_from(number).expect("a small number")
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(number) => write!(f, "auth-service-{number}"),
            Self::Redis(number) => write!(f, "redis-{number}"),
            Self::Sentinel(number) => write!(f, "sentinel-{number}"),
            Self::Traefik => f.write_str("traefik"),
            Self::Proxy => f.write_str("mcp-stdio-proxy"),
            Self::Other => f.write_str("others"),
        }
    }
}
