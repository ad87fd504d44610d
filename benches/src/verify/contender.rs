//! Who answers `/verify`, and how each is started: one worker each, logging as little as it can.

use std::net::SocketAddr;
use std::process::Command;

use super::stage::Stage;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// This repository's.
    Ours,
    /// The same with a Redis that does not tell of changes, so that it is asked each time.
    Asking,
    /// The same on its listener with TLS.
    Tls,
    /// PyPI `mcp-oauth-dynamicclient`.
    Predecessor,
    /// `bench-limits`, which answers at once.
    Hello,
    /// The same, on a listener with TLS.
    HelloTls,
    /// `bench-limits`, which checks a signature and asks Redis.
    Es256,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// Our service and one token.
    Warm,
    /// The same when Redis is asked each time.
    Asked,
    /// Our service and a token that it has not seen before, in each request.
    FirstSight,
    /// The predecessor.
    Predecessor,
    /// A limit.
    Hello,
    /// A limit.
    Es256,
    /// Traefik and a server behind it.
    NoAuth,
    /// With `ForwardAuth` to our service, over plain HTTP.
    BehindOurs,
    /// The same over HTTP/2 with TLS.
    BehindTls,
    /// With `ForwardAuth` to the limit.
    BehindHello,
    /// The same over HTTP/2 with TLS.
    BehindHelloTls,
    /// With `ForwardAuth` to the predecessor.
    BehindPredecessor,
}

/// Those without Traefik.
pub const DIRECT: [Row; 6] =
    [Row::Warm, Row::Asked, Row::FirstSight, Row::Predecessor, Row::Hello, Row::Es256];
/// Those with it.
pub const BEHIND: [Row; 6] = [
    Row::NoAuth,
    Row::BehindOurs,
    Row::BehindTls,
    Row::BehindHello,
    Row::BehindHelloTls,
    Row::BehindPredecessor,
];

impl Row {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warm => "**auth-service**, one token",
            Self::Asked => "**auth-service**, one token, Redis asked each time",
            Self::FirstSight => "**auth-service**, every token for the first time",
            Self::Predecessor => "mcp-oauth-dynamicclient (PyPI)",
            Self::Hello => "limit: actix-web, empty answer",
            Self::Es256 => "limit: ES256 + EXISTS",
            Self::NoAuth => "Traefik alone",
            Self::BehindOurs => "+ ForwardAuth **auth-service**, HTTP/1.1",
            Self::BehindTls => "+ ForwardAuth **auth-service**, HTTP/2 with TLS",
            Self::BehindHello => "+ ForwardAuth limit: empty answer, HTTP/1.1",
            Self::BehindHelloTls => "+ ForwardAuth limit: empty answer, HTTP/2 with TLS",
            Self::BehindPredecessor => "+ ForwardAuth mcp-oauth-dynamicclient, HTTP/1.1",
        }
    }

    /// The service that decides.
    #[must_use]
    pub fn service(self) -> Option<Service> {
        match self {
            Self::Warm | Self::FirstSight | Self::BehindOurs => Some(Service::Ours),
            Self::BehindTls => Some(Service::Tls),
            Self::Asked => Some(Service::Asking),
            Self::Predecessor | Self::BehindPredecessor => Some(Service::Predecessor),
            Self::Hello | Self::BehindHello => Some(Service::Hello),
            Self::BehindHelloTls => Some(Service::HelloTls),
            Self::Es256 => Some(Service::Es256),
            Self::NoAuth => None,
        }
    }
}

impl Service {
    /// Whether it is asked over HTTP/2 with TLS.
    #[must_use]
    pub fn speaks_tls(self) -> bool {
        matches!(self, Self::Tls | Self::HelloTls)
    }

    /// How it is started on `address`.
    #[must_use]
    pub fn command(self, stage: &Stage, address: SocketAddr) -> Command {
        match self {
            Self::Ours => {
                let mut command = Command::new(stage.places.own.join("auth-service"));
                command.arg("serve").envs(stage.settings());
                command.env("AUTH_LISTEN", address.to_string());
                command
            }
            Self::Tls => {
                let mut command = Self::Ours.command(stage, address);
                command.env("AUTH_LISTEN", "127.0.0.1:0");
                command.env("AUTH_TLS_LISTEN", address.to_string());
                command
            }
            Self::Asking => {
                let mut command = Self::Ours.command(stage, address);
                command.env("REDIS_URL", stage.untold_redis_url());
                command
            }
            Self::Predecessor => {
                let program = stage.places.predecessor.join("bin/mcp-oauth-server");
                let mut command = Command::new(program);
                command.args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
                command.envs(stage.predecessor_settings());
                command
            }
            Self::Hello => limit(stage, address, "hello"),
            Self::HelloTls => {
                let mut command = limit(stage, address, "hello");
                command.arg("--certificate").arg(stage.tls_directory().join("cert.pem"));
                command.arg("--certificate-key").arg(stage.tls_directory().join("key.pem"));
                command
            }
            Self::Es256 => limit(stage, address, "es256"),
        }
    }
}

fn limit(stage: &Stage, address: SocketAddr, limit: &str) -> Command {
    let mut command = Command::new(stage.places.own.join("bench-limits"));
    command.args(["--listen", &address.to_string(), "--limit", limit]);
    command.args(["--redis", &stage.redis_url()]).arg("--key").arg(&stage.key);
    command
}
