//! Settings: environment and `.env` into typed values, with every problem named at once.

mod check;
mod clients;
mod docker_proxy;
mod limits;
mod servers;
#[cfg(test)]
mod tests;
mod tls;

use std::{
    collections::HashMap, fmt, net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration,
};

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use self::check::Check;
pub use self::clients::{ClientList, ClientsConfig, HostPolicy};
pub use self::docker_proxy::DockerProxyConfig;
pub use self::limits::Limits;
pub use self::servers::{DockerEndpoint, ServerUrls};
pub use self::tls::{CertificateSource, TlsConfig};
use crate::model::{AllowList, Issuer};

/// The settings of `serve`.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BASE_DOMAIN`: servers are hosts below it.
    pub base_domain: String,
    /// `PUBLIC_PORT`: the port in public URLs, 443.
    pub public_port: u16,
    /// `ISSUER`: `https://auth.$BASE_DOMAIN`, without `auth.` if `SERVER_URLS` is `path`, with the
    /// public port unless it is 443.
    pub issuer: Issuer,
    /// `AUTH_LISTEN`: where to listen, `127.0.0.1:8000`.
    pub listen: SocketAddr,
    /// `AUTH_TLS_LISTEN` and its companions: a second listener, for HTTP/2 inside the gateway.
    pub tls: Option<TlsConfig>,
    /// `METRICS_LISTEN`: where Prometheus finds `/metrics`, a private address; nowhere by default.
    pub metrics_listen: Option<SocketAddr>,
    /// `AUTH_WORKERS`: threads that serve requests; as many as the machine has processors.
    pub workers: Option<NonZeroUsize>,
    /// `REDIS_URL` with `REDIS_PASSWORD`.
    pub redis: RedisConfig,
    /// `MCP_SERVERS_FILE`: the catalogue, `mcp-servers.json`.
    pub servers_file: PathBuf,
    /// `DOCKER_ENDPOINT`: where Docker is asked for containers with `mcp.*` labels; not at all by
    /// default.
    pub docker: Option<DockerEndpoint>,
    /// `SERVER_URLS`: `host`, or `path` for one DNS name.
    pub server_urls: ServerUrls,
    /// `TRAEFIK_API_URL`: where the doctor asks for routers; not at all by default.
    pub traefik_api: Option<Url>,
    /// `SIGNING_KEY_FILE`: PEM of one or more private keys; the first signs, all verify.
    pub signing_key_file: PathBuf,
    /// `SECRETS_KEY_FILE`: PEM of one or more root keys; the first seals, all open. Without it they
    /// are derived from the signing keys.
    pub secrets_key_file: Option<PathBuf>,
    /// `GITHUB_CLIENT_ID` and its companions; `None` turns GitHub login off.
    pub github: Option<GithubConfig>,
    /// `LOCAL_LOGIN`: whether codes minted by the operator log in, `true`.
    pub local_login: bool,
    /// `DEVICE_GRANT`: whether programs without a browser are connected by a code (RFC 8628), `true`.
    pub device_grant: bool,
    /// `SIGNED_IDENTITY`: whether servers get `X-MCP-Identity`, `true`.
    pub signed_identity: bool,
    /// Lifetimes of what is issued.
    pub lifetimes: Lifetimes,
    /// `VERIFY_SECRET`: what whoever asks `/verify` has to know; `None` goes by address.
    pub verify_secret: Option<SecretString>,
    /// How often is too often.
    pub limits: Limits,
    /// Which clients there may be.
    pub clients: ClientsConfig,
}

/// How to reach Redis.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// `REDIS_URL`: `redis://`, `rediss://` or `unix://`.
    pub url: SecretString,
}

/// GitHub, or a GitHub Enterprise Server.
#[derive(Clone, Debug)]
pub struct GithubConfig {
    /// `GITHUB_CLIENT_ID`.
    pub client_id: String,
    /// `GITHUB_CLIENT_SECRET`.
    pub client_secret: SecretString,
    /// `GITHUB_BASE_URL`: `https://github.com`.
    pub base_url: Url,
    /// `GITHUB_API_URL`: `https://api.github.com`.
    pub api_url: Url,
    /// `ALLOWED_GITHUB_USERS`: who may log in.
    pub allowed: AllowList,
}

/// How long things live.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// `ACCESS_TOKEN_LIFETIME`: 3600 s.
    pub access_token: Duration,
    /// `REFRESH_TOKEN_LIFETIME`: 2592000 s, from each use.
    pub refresh_token: Duration,
    /// `REFRESH_TOKEN_GRACE`: for how many seconds a spent refresh token still gives its successor, as
    /// long as that is unused, 300: a laptop that slept or changed its network asks again within that
    /// time, and the successor is not due before the access token ends, an hour later.
    pub refresh_grace: Duration,
    /// `DEVICE_GRANT_LIFETIME`: for how long a device is connected in all, however often it comes back,
    /// 604800 s.
    pub device_grant: Duration,
    /// `CLIENT_LIFETIME`: 7776000 s, from each use; 0 is for ever.
    pub client: Option<Duration>,
    /// `LOGIN_SESSION_LIFETIME`: for how long a browser stays logged in, 43200 s; 0 is not at all.
    pub login_session: Option<Duration>,
    /// `CONSENT_LIFETIME`: for how long a consent is remembered, 7776000 s; 0 is not at all.
    pub approval: Option<Duration>,
    /// `CLIENT_UNUSED_LIFETIME`: for how long a registration waits for its first use, 86400 s; 0, or
    /// nothing beside a `CLIENT_LIFETIME` of 0, is for ever.
    pub client_unused: Option<Duration>,
}

/// Everything that is wrong with the settings.
#[derive(Debug)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Each in words.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} problem(s):", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for Problems {}

/// The settings as text, one field a variable.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct Raw {
    base_domain: Option<String>,
    public_port: Option<String>,
    issuer: Option<String>,
    auth_listen: Option<String>,
    auth_tls_listen: Option<String>,
    auth_tls_dir: Option<String>,
    auth_tls_names: Option<String>,
    auth_tls_cert_file: Option<String>,
    auth_tls_key_file: Option<String>,
    verify_secret: Option<String>,
    metrics_listen: Option<String>,
    auth_workers: Option<String>,
    redis_url: Option<String>,
    redis_password: Option<String>,
    mcp_servers_file: Option<String>,
    docker_endpoint: Option<String>,
    docker_proxy_listen: Option<String>,
    docker_socket: Option<String>,
    server_urls: Option<String>,
    signing_key_file: Option<String>,
    secrets_key_file: Option<String>,
    traefik_api_url: Option<String>,
    github_client_id: Option<String>,
    github_client_secret: Option<String>,
    github_base_url: Option<String>,
    github_api_url: Option<String>,
    allowed_github_users: Option<String>,
    local_login: Option<String>,
    device_grant: Option<String>,
    device_grant_lifetime: Option<String>,
    signed_identity: Option<String>,
    access_token_lifetime: Option<String>,
    refresh_token_lifetime: Option<String>,
    refresh_token_grace: Option<String>,
    client_lifetime: Option<String>,
    trusted_proxies: Option<String>,
    front_proxies: Option<String>,
    known_egress: Option<String>,
    rate_limit_address: Option<String>,
    rate_limit_register: Option<String>,
    rate_limit_client: Option<String>,
    client_unused_lifetime: Option<String>,
    max_clients: Option<String>,
    registration_token: Option<String>,
    redirect_schemes: Option<String>,
    client_documents: Option<String>,
    client_document_allow: Option<String>,
    client_document_deny: Option<String>,
    endpoint_audience_clients: Option<String>,
    login_session_lifetime: Option<String>,
    consent_lifetime: Option<String>,
}

impl Config {
    /// Returns the port in public URLs with its colon, or nothing for 443.
    #[must_use]
    pub fn port_suffix(&self) -> String {
        match self.public_port {
            443 => String::new(),
            port => format!(":{port}"),
        }
    }

    /// The settings of this process.
    pub fn load() -> Result<Self, Problems> {
        let mut check = Check::default();
        let variables = check.environment();
        Self::checked(check, variables)
    }

    /// The settings in `variables`.
    pub fn from_map(variables: HashMap<String, String>) -> Result<Self, Problems> {
        Self::checked(Check::default(), variables)
    }

    fn checked(mut check: Check, variables: HashMap<String, String>) -> Result<Self, Problems> {
        let raw = check.raw(variables);
        let config = check.config(&raw);
        match (config, check.0.is_empty()) {
            (Some(config), true) => Ok(config),
            _ => Err(Problems(check.0)),
        }
    }
}

impl RedisConfig {
    /// The settings of this process that administration needs.
    pub fn load() -> Result<Self, Problems> {
        let mut check = Check::default();
        let variables = check.environment();
        let raw = check.raw(variables);
        match (check.redis(&raw), check.0.is_empty()) {
            (Some(redis), true) => Ok(redis),
            _ => Err(Problems(check.0)),
        }
    }
}
