//! Typed settings, read from the environment and `.env`. All problems are reported at once.

mod access;
mod branding;
mod check;
mod clients;
mod docker_proxy;
mod limits;
mod logs;
mod pages;
mod providers;
mod proxies;
mod redis;
pub mod reference;
mod server_urls;
mod servers;
#[cfg(test)]
mod tests;
mod tls;

use std::{
    collections::HashMap, fmt, net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration,
};

use gateway_contract::audit::Filter;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

pub use self::access::{AccessFile, AccessSource, FactTerms};
pub use self::branding::{Branding, Contact};
use self::check::Check;
pub use self::clients::{ClientList, ClientsConfig, HostPolicy};
pub use self::docker_proxy::DockerProxyConfig;
pub use self::limits::Limits;
pub use self::logs::LogsConfig;
pub use self::pages::PagesConfig;
pub(crate) use self::providers::is_protected;
pub use self::providers::{
    ClientAuth, GithubProvider, OfflineAccess, OidcProvider, Provider, ProviderKind, ProviderTable,
    SecretSource,
};
pub use self::proxies::{ProxyAddress, ProxyEndpoint};
pub use self::redis::{RedisConfig, RedisServer, SentinelConfig};
pub use self::server_urls::ServerUrls;
pub use self::servers::DockerEndpoint;
pub use self::tls::{CertificateSource, TlsConfig};
use crate::model::Issuer;

/// The settings of the `serve` command.
#[derive(Clone, Debug)]
pub struct Config {
    /// `GATEWAY_NAME` and `OPERATOR_CONTACT`: what every page says about this gateway.
    pub branding: Branding,
    /// `BASE_DOMAIN`: the parent domain of the hosts of the servers.
    pub base_domain: String,
    /// `PUBLIC_PORT`: the port in public URLs. Default: 443.
    pub public_port: u16,
    /// `ISSUER`: the issuer identifier (RFC 8414 §2). Default: `https://auth.$BASE_DOMAIN`, without
    /// `auth.` if `SERVER_URLS` is `path`, and with the public port unless that is 443.
    pub issuer: Issuer,
    /// `AUTH_LISTEN`: the listen address. Default: `127.0.0.1:8000`.
    pub listen: SocketAddr,
    /// `AUTH_TLS_LISTEN` and the other `AUTH_TLS_*` variables: a second, internal listener with TLS and
    /// HTTP/2.
    pub tls: Option<TlsConfig>,
    /// `METRICS_LISTEN`: the listen address of `/metrics`, which should be private. Off by default.
    pub metrics_listen: Option<SocketAddr>,
    /// `AUTH_WORKERS`: the number of worker threads. Default: the number of processors.
    pub workers: Option<NonZeroUsize>,
    /// `SHUTDOWN_DELAY`: the time between SIGTERM and the end of new connections, in which `/ready` answers 503.
    /// Default: 0 s.
    pub shutdown_delay: Duration,
    /// `REDIS_URL`, `REDIS_PASSWORD` and `REDIS_CA_FILE`: the connection to Redis.
    pub redis: RedisConfig,
    /// `MCP_SERVERS_FILE`: the file of the server catalogue. Default: `mcp-servers.json`.
    pub servers_file: PathBuf,
    /// `DOCKER_ENDPOINT`: the Docker API that lists containers with `mcp.*` labels. Off by default.
    pub docker: Option<DockerEndpoint>,
    /// `SERVER_URLS`: the form of the servers' public URLs. Default: `host`.
    pub server_urls: ServerUrls,
    /// `PROXIES`: the inner interfaces of the proxies, which are asked for the state of servers. Default: none.
    pub proxies: Vec<ProxyAddress>,
    /// `TRAEFIK_API_URL`: the Traefik API whose routers `doctor` checks. Off by default.
    pub traefik_api: Option<Url>,
    /// `SIGNING_KEY_FILE`: a PEM file of one or more private keys. The first signs; all verify.
    pub signing_key_file: PathBuf,
    /// `SECRETS_KEY_FILE`: a PEM file of one or more root keys. The first encrypts; all decrypt. Without
    /// it, the root keys are derived from the signing keys.
    pub secrets_key_file: Option<PathBuf>,
    /// `GITHUB_*`, `OIDC_*` and the tables `[provider.NAME]` of `ACCESS_FILE`: the login providers.
    pub providers: Vec<Provider>,
    /// `ACCESS_FILE`, or `ALLOWED_GITHUB_USERS` and `OIDC_ALLOW`: who may log in, and who may use what.
    pub access: AccessSource,
    /// `FACTS_CHECK_INTERVAL`, `FACTS_GRACE`, `FACTS_MAX_AGE`: the age that facts about people may have.
    pub facts: FactTerms,
    /// `LOCAL_LOGIN`: enables login with codes minted by the operator. Default: `true`.
    pub local_login: bool,
    /// `DEVICE_GRANT`: enables the device authorization grant (RFC 8628) for programs without a browser.
    /// Default: `true`.
    pub device_grant: bool,
    /// `SIGNED_IDENTITY`: enables the header `X-MCP-Identity` for servers. Default: `true`.
    pub signed_identity: bool,
    /// The lifetimes of tokens, registrations, sessions and consents.
    pub lifetimes: Lifetimes,
    /// `VERIFY_SECRET`: the secret that callers of `/verify` have to send. With `None`, they are
    /// recognized by address.
    pub verify_secret: Option<SecretString>,
    /// The rate limits and the trusted proxies.
    pub limits: Limits,
    /// The settings of client registration and authentication.
    pub clients: ClientsConfig,
    /// The settings of the pages for people and administrators.
    pub pages: PagesConfig,
    /// The log and the audit log.
    pub logs: LogsConfig,
    /// `AUDIT_STREAM_MAX`: the maximum number of audit events that Redis keeps. Default: 100000.
    pub audit_stream_max: usize,
}

/// The settings of the commands that work on Redis.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// The connection to Redis.
    pub redis: RedisConfig,
    /// `AUDIT_EVENTS`: the kinds of events that are recorded.
    pub filter: Filter,
    /// `AUDIT_STREAM_MAX`: the maximum number of audit events that Redis keeps.
    pub stream_max: usize,
}

/// The lifetimes of tokens, registrations, sessions and consents.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// `ACCESS_TOKEN_LIFETIME`: the lifetime of an access token. Default: 3600 s.
    pub access_token: Duration,
    /// `REFRESH_TOKEN_LIFETIME`: the lifetime of a refresh token, renewed by each use. Default: 2592000 s.
    pub refresh_token: Duration,
    /// `REFRESH_TOKEN_GRACE`: the time for which a spent refresh token still returns its successor, as
    /// long as the successor is unused. Default: 300 s. A laptop that slept or changed networks retries
    /// within that time. The successor is not needed before the access token expires an hour later.
    pub refresh_grace: Duration,
    /// `DEVICE_GRANT_LIFETIME`: the total lifetime of a device's grant, which no refresh extends. Default:
    /// 604800 s.
    pub device_grant: Duration,
    /// `CLIENT_LIFETIME`: the lifetime of a registration, renewed by each use. Default: 7776000 s; with 0,
    /// registrations do not expire.
    pub client: Option<Duration>,
    /// `LOGIN_SESSION_LIFETIME`: the time for which a browser stays logged in. Default: 43200 s; 0 is off.
    pub login_session: Option<Duration>,
    /// `CONSENT_LIFETIME`: the time for which a consent is remembered. Default: 7776000 s; 0 is off.
    pub consent: Option<Duration>,
    /// `CLIENT_UNUSED_LIFETIME`: the lifetime of a registration until its first use. Default: 86400 s.
    /// With 0, or unset and with a `CLIENT_LIFETIME` of 0, unused registrations do not expire.
    pub client_unused: Option<Duration>,
}

/// All problems of the settings.
#[derive(Debug)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Returns the message of each problem.
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

/// The settings as text, with one field for each variable.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct Raw {
    gateway_name: Option<String>,
    operator_contact: Option<String>,
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
    shutdown_delay: Option<String>,
    redis_url: Option<String>,
    redis_password: Option<String>,
    redis_ca_file: Option<String>,
    mcp_servers_file: Option<String>,
    docker_endpoint: Option<String>,
    docker_proxy_listen: Option<String>,
    docker_socket: Option<String>,
    server_urls: Option<String>,
    proxies: Option<String>,
    signing_key_file: Option<String>,
    secrets_key_file: Option<String>,
    traefik_api_url: Option<String>,
    github_client_id: Option<String>,
    github_client_secret: Option<String>,
    github_base_url: Option<String>,
    github_api_url: Option<String>,
    allowed_github_users: Option<String>,
    oidc_issuer: Option<String>,
    oidc_client_id: Option<String>,
    oidc_client_secret: Option<String>,
    oidc_allow: Option<String>,
    access_file: Option<String>,
    facts_check_interval: Option<String>,
    facts_grace: Option<String>,
    facts_max_age: Option<String>,
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
    admin_users: Option<String>,
    personal_token_lifetime: Option<String>,
    log_format: Option<String>,
    log_file: Option<String>,
    log_max_size: Option<String>,
    log_keep: Option<String>,
    audit_log: Option<String>,
    audit_events: Option<String>,
    audit_stream_max: Option<String>,
}

impl Config {
    /// Returns `true` if an OpenID provider is declared.
    #[must_use]
    pub fn has_oidc(&self) -> bool {
        self.providers.iter().any(|provider| matches!(provider.kind, ProviderKind::Oidc(_)))
    }

    /// Returns `true` if people have the pages `/me` and `/admin`. With `SERVER_URLS=path`, the pages of servers have
    /// the same origin and could read them.
    #[must_use]
    pub fn has_account_pages(&self) -> bool {
        self.pages.are_on
    }

    /// Returns the port in public URLs with its colon, or nothing for 443.
    #[must_use]
    pub fn port_suffix(&self) -> String {
        match self.public_port {
            443 => String::new(),
            port => format!(":{port}"),
        }
    }

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
        let raw = check.raw(variables.clone());
        let logs = LogsConfig::read(&mut check, &raw);
        let mut pages = PagesConfig::read(&mut check, &raw);
        let config = check.config(&raw, variables).map(|config| {
            let has_sessions = config.lifetimes.login_session.is_some();
            pages.settle(&mut check, config.server_urls, has_sessions);
            Self { pages, logs, ..config }
        });
        match (config, check.0.is_empty()) {
            (Some(config), true) => Ok(config),
            _ => Err(Problems(check.0)),
        }
    }
}

impl AuditConfig {
    /// Reads only the settings of Redis and of audit events, for the administrative commands.
    pub fn load() -> Result<Self, Problems> {
        let mut check = Check::default();
        let variables = check.environment();
        let raw = check.raw(variables);
        let (filter, stream_max) = (
            LogsConfig::read(&mut check, &raw).audit.filter,
            check::audit_stream_max(&mut check, &raw),
        );
        match (check.redis(&raw), check.0.is_empty()) {
            (Some(redis), true) => Ok(Self { redis, filter, stream_max }),
            _ => Err(Problems(check.0)),
        }
    }
}

impl RedisConfig {
    /// Reads only the Redis settings of this process, for the administrative commands.
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
