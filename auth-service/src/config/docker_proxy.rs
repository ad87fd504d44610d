//! Settings of the `docker-proxy` command, which uses no other settings.

use std::{collections::HashMap, net::SocketAddr, path::PathBuf};

use super::{LogsConfig, Problems, check::Check};

/// The settings of the `docker-proxy` command.
#[derive(Clone, Debug)]
pub struct DockerProxyConfig {
    /// `DOCKER_PROXY_LISTEN`: the listen address. Default: `127.0.0.1:2375`.
    pub listen: SocketAddr,
    /// `DOCKER_SOCKET`: the Docker socket. Default: `/var/run/docker.sock`.
    pub socket: PathBuf,
    /// The log.
    pub logs: LogsConfig,
}

impl DockerProxyConfig {
    /// Reads the settings from `.env` and the environment of this process.
    pub fn load() -> Result<Self, Problems> {
        let mut check = Check::default();
        let variables = check.environment();
        Self::checked(check, variables)
    }

    /// Reads the settings from `variables`.
    pub fn from_map(variables: HashMap<String, String>) -> Result<Self, Problems> {
        Self::checked(Check::default(), variables)
    }

    fn checked(mut check: Check, variables: HashMap<String, String>) -> Result<Self, Problems> {
        let raw = check.raw(variables);
        let listen = check.parsed(
            "DOCKER_PROXY_LISTEN",
            raw.docker_proxy_listen.as_deref(),
            "127.0.0.1:2375",
        );
        let socket = raw.docker_socket.as_deref().unwrap_or("/var/run/docker.sock").into();
        let logs = LogsConfig::read(&mut check, &raw);
        match (listen, check.0.is_empty()) {
            (Some(listen), true) => Ok(Self { listen, socket, logs }),
            _ => Err(Problems(check.0)),
        }
    }
}
