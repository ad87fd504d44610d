//! Settings of the server catalogue: the Docker endpoint and the form of public URLs.

use std::{fmt, str::FromStr};

use super::{Raw, check::Check, server_urls::ServerUrls};

/// `DOCKER_ENDPOINT`: the address of the Docker API or of a proxy in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DockerEndpoint {
    /// The path of a socket, as in `unix:///var/run/docker.sock`.
    Unix(String),
    /// A host and a port, as in `tcp://socket-proxy:2375`.
    Tcp(String),
}

impl FromStr for DockerEndpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be unix:///path/of/socket or tcp://host:port";
        match text.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.to_owned())),
            Some(("tcp", address)) => {
                let (host, port) = address.rsplit_once(':').ok_or(wrong)?;
                let good = !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok();
                if good { Ok(Self::Tcp(address.to_owned())) } else { Err(wrong) }
            }
            _ => Err(wrong),
        }
    }
}

impl fmt::Display for DockerEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{path}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

impl Check {
    pub(super) fn server_urls(&mut self, raw: &Raw) -> ServerUrls {
        self.parsed("SERVER_URLS", raw.server_urls.as_deref(), "host").unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_socket_or_an_address() {
        let read = |text: &str| text.parse::<DockerEndpoint>();
        for good in ["unix:///var/run/docker.sock", "tcp://socket-proxy:2375", "tcp://[::1]:2375"] {
            assert_eq!(read(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "/var/run/docker.sock",
            "unix://docker.sock",
            "tcp://proxy",
            "tcp://:1",
            "tcp://proxy:2375/x",
            "ssh://host",
            "http://proxy:2375",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
