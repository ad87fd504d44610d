//! Who is measured, and how each is started. All log as little as they can.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that serves a stdio server over Streamable HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    /// This repository's.
    Ours,
    /// The same, with an audit log.
    OursAudited,
    /// `bench-floor`.
    Floor,
    /// `bench-rmcp-bridge`.
    RmcpBridge,
    /// PyPI `mcp-streamablehttp-proxy`.
    Predecessor,
    /// npm `supergateway`.
    Supergateway,
    /// npm `mcp-proxy`.
    NpmMcpProxy,
    /// PyPI `mcp-proxy`.
    PypiMcpProxy,
}

/// All of them.
pub const ALL: [Contender; 8] = [
    Contender::Ours,
    Contender::OursAudited,
    Contender::Floor,
    Contender::RmcpBridge,
    Contender::Predecessor,
    Contender::Supergateway,
    Contender::NpmMcpProxy,
    Contender::PypiMcpProxy,
];

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Places {
    /// Our own programs.
    pub own: PathBuf,
    /// The peers: a virtual environment for each of PyPI's, and `node` for npm's.
    pub peers: PathBuf,
    /// The npm packages of the quickstart, for the official server.
    pub servers: PathBuf,
}

impl Places {
    /// The echo server, as a command.
    #[must_use]
    pub fn echo(&self) -> Vec<String> {
        vec![self.own.join("bench-echo-server").display().to_string()]
    }

    /// The official server, as a command.
    #[must_use]
    pub fn everything(&self) -> Vec<String> {
        let entry = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
        vec!["node".to_owned(), self.servers.join(entry).display().to_string(), "stdio".to_owned()]
    }
}

impl Contender {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "**mcp-stdio-proxy**",
            Self::OursAudited => "**mcp-stdio-proxy** with an audit log",
            Self::Floor => "floor",
            Self::RmcpBridge => "rmcp bridge",
            Self::Predecessor => "mcp-streamablehttp-proxy (PyPI)",
            Self::Supergateway => "supergateway (npm)",
            Self::NpmMcpProxy => "mcp-proxy (npm)",
            Self::PypiMcpProxy => "mcp-proxy (PyPI)",
        }
    }

    /// Whether people can install it.
    #[must_use]
    pub fn is_packaged_peer(self) -> bool {
        !matches!(self, Self::Ours | Self::OursAudited | Self::Floor | Self::RmcpBridge)
    }

    /// Whether all sessions share one process of the server.
    #[must_use]
    pub fn is_shared(self) -> bool {
        matches!(self, Self::NpmMcpProxy | Self::PypiMcpProxy)
    }

    /// The path of the endpoint.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            // Without the slash it redirects.
            Self::PypiMcpProxy => "/mcp/",
            _ => "/mcp",
        }
    }

    /// How it is started on `address` for `server`.
    #[must_use]
    pub fn command(self, places: &Places, address: SocketAddr, server: &[String]) -> Command {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut command = match self {
            Self::Ours => listening(&places.own.join("mcp-stdio-proxy"), address),
            Self::OursAudited => {
                let mut command = listening(&places.own.join("mcp-stdio-proxy"), address);
                command.arg("--audit-log").arg(places.own.join("bench-audit.jsonl"));
                command.args(["--log-max-size", "50MB", "--log-keep", "1"]);
                command
            }
            Self::Floor => listening(&places.own.join("bench-floor"), address),
            Self::RmcpBridge => listening(&places.own.join("bench-rmcp-bridge"), address),
            Self::Predecessor => {
                python(places, "mcp-streamablehttp-proxy", &["--host", &host, "--port", &port])
            }
            Self::PypiMcpProxy => python(places, "mcp-proxy", &["--host", &host, "--port", &port]),
            Self::Supergateway => {
                let options =
                    ["--outputTransport", "streamableHttp", "--stateful", "--port", &port];
                let mut command = node(places, "supergateway", &options);
                command.args(["--logLevel", "none", "--stdio", &server.join(" ")]);
                return command;
            }
            Self::NpmMcpProxy => {
                node(places, "mcp-proxy", &["--host", &host, "--port", &port, "--server", "stream"])
            }
        };
        match self {
            Self::Predecessor => command.args(["--log-level", "error"]),
            Self::PypiMcpProxy => command.args(["--log-level", "ERROR"]),
            _ => &mut command,
        };
        command.env("RUST_LOG", "warn").arg("--").args(server);
        command
    }
}

fn listening(program: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command.arg("--listen").arg(address.to_string());
    command
}

fn python(places: &Places, name: &str, options: &[&str]) -> Command {
    let mut command = Command::new(places.peers.join(name).join("bin").join(name));
    command.args(options);
    command
}

fn node(places: &Places, name: &str, options: &[&str]) -> Command {
    let mut command = Command::new(places.peers.join("node/node_modules/.bin").join(name));
    command.args(options);
    command
}
