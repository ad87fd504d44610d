//! `PROXIES`: the inner interfaces of mcp-stdio-proxy, which are asked for the state of servers.

use std::{fmt, path::PathBuf, str::FromStr};

use gateway_contract::servers::is_name;
use url::Url;

/// The most proxies: all are asked at once.
const MOST: usize = 256;

/// The address of a proxy's inner interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyEndpoint {
    /// The path of a Unix socket, as in `unix:/inner/time/socket`.
    Unix(PathBuf),
    /// An origin, as in `http://proxy:3001`.
    Http(Url),
}

/// A proxy with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAddress {
    /// The unique name. If two proxies report the same server, the one of that name is right.
    pub name: String,
    /// The address of its inner interface.
    pub endpoint: ProxyEndpoint,
}

impl FromStr for ProxyAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be NAME=unix:/path/of/socket or NAME=http://host:port";
        let (name, address) = text.split_once('=').ok_or(wrong)?;
        if !is_name(name) {
            return Err("a name has lower-case letters, digits and inner hyphens");
        }
        let endpoint = match address.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => ProxyEndpoint::Unix(path.into()),
            Some(_) => return Err(wrong),
            None => {
                let url = Url::parse(address).map_err(|_| wrong)?;
                let is_bare =
                    url.path() == "/" && url.query().is_none() && url.username().is_empty();
                if url.scheme() != "http" || !is_bare {
                    return Err(wrong);
                }
                ProxyEndpoint::Http(url)
            }
        };
        Ok(Self { name: name.to_owned(), endpoint })
    }
}

impl fmt::Display for ProxyEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Http(url) => f.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

/// Reads `PROXIES`.
pub(super) fn proxies(list: Option<&str>, problems: &mut Vec<String>) -> Vec<ProxyAddress> {
    let entries = list.unwrap_or_default().split(',').map(str::trim);
    let mut proxies = Vec::<ProxyAddress>::new();
    for entry in entries.filter(|entry| !entry.is_empty()) {
        match entry.parse::<ProxyAddress>() {
            Ok(proxy) if proxies.iter().any(|other| other.name == proxy.name) => {
                problems.push(format!("PROXIES: two proxies are called {}", proxy.name));
            }
            Ok(proxy) => proxies.push(proxy),
            Err(problem) => problems.push(format!("PROXIES: \"{entry}\" {problem}")),
        }
    }
    if proxies.len() > MOST {
        problems.push(format!("PROXIES has more than {MOST} proxies"));
    }
    proxies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_name_and_a_socket_or_an_origin() {
        for (text, address) in [
            ("time=unix:/inner/time/socket", "unix:/inner/time/socket"),
            ("file=http://file:3001", "http://file:3001"),
            ("file=http://[::1]:3001/", "http://[::1]:3001"),
        ] {
            let proxy: ProxyAddress = text.parse().unwrap();
            assert_eq!(proxy.endpoint.to_string(), address);
        }
        for bad in [
            "",
            "time",
            "time=",
            "time=unix:",
            "time=unix:socket",
            "Time=unix:/socket",
            "time=https://proxy:3001",
            "time=http://proxy:3001/servers",
            "time=http://user@proxy:3001",
            "time=proxy:3001",
        ] {
            assert!(bad.parse::<ProxyAddress>().is_err(), "{bad}");
        }
    }
}
