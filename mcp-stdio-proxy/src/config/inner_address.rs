//! The address of the inner interface, as written in options.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InnerAddress {
    /// A Unix socket: `unix:PATH`.
    Unix(PathBuf),
    /// A TCP address: `ADDR:PORT`.
    Tcp(SocketAddr),
}

impl FromStr for InnerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => Err("unix: needs a path".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text
                .parse()
                .map(Self::Tcp)
                .map_err(|_| "neither unix:PATH nor ADDRESS:PORT".to_owned()),
        }
    }
}

impl fmt::Display for InnerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_socket_file_or_an_address_with_a_port() {
        for text in ["unix:/run/inner/proxy", "unix:proxy", "127.0.0.1:3001", "[::]:3001"] {
            assert_eq!(text.parse::<InnerAddress>().unwrap().to_string(), text);
        }
        for text in ["", "unix:", "3001", "proxy:3001", "/run/proxy"] {
            assert!(text.parse::<InnerAddress>().is_err(), "{text}");
        }
    }
}
