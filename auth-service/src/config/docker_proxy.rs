//! Settings of `docker-proxy`, which needs none of the others.

use std::{net::SocketAddr, path::PathBuf};

use super::{Problems, check::Check};

/// The settings of `docker-proxy`.
#[derive(Clone, Debug)]
pub struct DockerProxyConfig {
    /// `DOCKER_PROXY_LISTEN`: the listen address, `127.0.0.1:2375`.
    pub listen: SocketAddr,
    /// `DOCKER_SOCKET`: the socket of Docker, `/var/run/docker.sock`.
    pub socket: PathBuf,
}

impl DockerProxyConfig {
    /// Reads the settings of this process.
    pub fn load() -> Result<Self, Problems> {
        let mut check = Check::default();
        let variables = check.environment();
        let raw = check.raw(variables);
        let listen = check.parsed(
            "DOCKER_PROXY_LISTEN",
            raw.docker_proxy_listen.as_deref(),
            "127.0.0.1:2375",
        );
        let socket = raw.docker_socket.as_deref().unwrap_or("/var/run/docker.sock").into();
        match (listen, check.0.is_empty()) {
            (Some(listen), true) => Ok(Self { listen, socket }),
            _ => Err(Problems(check.0)),
        }
    }
}
