//! Settings of the connection to Redis: one server by its URL, or a master that Redis Sentinel names.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Raw, check::Check};

/// The default port of a Sentinel.
const SENTINEL_PORT: u16 = 26_379;

/// The connection settings of Redis.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// `REDIS_URL` and `REDIS_PASSWORD`: the server or the Sentinels.
    pub server: RedisServer,
    /// `REDIS_CA_FILE`: the certificate authority of `rediss://` in PEM, instead of those of the system.
    pub authority: Option<Vec<u8>>,
}

/// The place of Redis.
#[derive(Clone, Debug)]
pub enum RedisServer {
    /// A URL that starts with `redis://`, `rediss://` or `unix://`. It includes the password.
    Single(SecretString),
    /// A URL that starts with `redis+sentinel://` or `rediss+sentinel://`.
    Sentinel(SentinelConfig),
}

/// The Sentinels and the name of the master that they monitor.
#[derive(Clone, Debug)]
pub struct SentinelConfig {
    /// The URL of each Sentinel, with its credentials.
    pub sentinels: Vec<SecretString>,
    /// The name of the master.
    pub master: String,
    /// The URL of a node, with credentials and database. Its host is a placeholder.
    pub node: SecretString,
}

impl RedisConfig {
    /// Parses a URL of any supported form. The error never contains the URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { server: RedisServer::parse(text, None)?, authority: None })
    }

    /// Returns `true` if the connection is encrypted.
    fn has_tls(&self) -> bool {
        let url = match &self.server {
            RedisServer::Single(url) => url,
            RedisServer::Sentinel(sentinel) => &sentinel.node,
        };
        url.expose_secret().starts_with("rediss://")
    }
}

impl RedisServer {
    fn parse(text: &str, password: Option<&str>) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or("REDIS_URL is not a URL")?;
        match scheme {
            "redis+sentinel" => SentinelConfig::parse("redis", rest, password).map(Self::Sentinel),
            "rediss+sentinel" => {
                SentinelConfig::parse("rediss", rest, password).map(Self::Sentinel)
            }
            "redis" | "rediss" | "unix" | "redis+unix" => {
                let mut url = Url::parse(text).map_err(not_a_url)?;
                set_password(&mut url, password)?;
                Ok(Self::Single(String::from(url).into()))
            }
            _ => Err("REDIS_URL must start with redis://, rediss://, unix://, \
                      redis+sentinel:// or rediss+sentinel://"
                .to_owned()),
        }
    }
}

impl SentinelConfig {
    /// Parses `[user:pass@]host[:port][,host[:port]…][/db]?master=NAME…`. The standard form of a URL
    /// has one host only.
    fn parse(scheme: &str, rest: &str, password: Option<&str>) -> Result<Self, String> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (login, hosts) =
            authority.rsplit_once('@').map_or(("", authority), |(login, hosts)| (login, hosts));
        let at = if login.is_empty() { "" } else { "@" };
        let mut node = parsed(&format!("{scheme}://{login}{at}placeholder{tail}"))?;
        set_password(&mut node, password)?;
        let (mut master, mut username, mut secret) = (None, None, None);
        for (name, value) in node.query_pairs() {
            match &*name {
                "master" => master = Some(value.into_owned()),
                "sentinel_username" => username = Some(value.into_owned()),
                "sentinel_password" => secret = Some(value.into_owned()),
                other => return Err(format!("REDIS_URL has an unknown parameter: {other}")),
            }
        }
        let master = master.filter(|name| !name.is_empty());
        let master = master.ok_or("REDIS_URL does not name the master: add ?master=NAME")?;
        node.set_query(None);
        let database = node.path().trim_start_matches('/');
        if !database.bytes().all(|byte| byte.is_ascii_digit()) || node.fragment().is_some() {
            return Err("REDIS_URL: the path after the hosts must be the number of a database, \
                        and the name of the master is a parameter: ?master=NAME"
                .to_owned());
        }
        let sentinel = |host: &str| {
            let mut url = parsed(&format!("{scheme}://{host}"))?;
            if url.host_str().is_none_or(str::is_empty) || url.path() != "" {
                return Err("REDIS_URL has an empty host among the Sentinels".to_owned());
            }
            let port = url.port().unwrap_or(SENTINEL_PORT);
            let set = url.set_port(Some(port)).is_ok()
                && username.as_deref().is_none_or(|name| url.set_username(name).is_ok())
                && secret.as_deref().is_none_or(|secret| url.set_password(Some(secret)).is_ok());
            let problem = "REDIS_URL: the credentials of the Sentinels cannot be used";
            set.then(|| String::from(url).into()).ok_or_else(|| problem.to_owned())
        };
        let sentinels = hosts.split(',').map(sentinel).collect::<Result<_, String>>()?;
        Ok(Self { sentinels, master, node: String::from(node).into() })
    }
}

fn parsed(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(not_a_url)
}

fn not_a_url(error: url::ParseError) -> String {
    format!("REDIS_URL is not a URL: {error}")
}

fn set_password(url: &mut Url, password: Option<&str>) -> Result<(), String> {
    let Some(password) = password else { return Ok(()) };
    if url.password().is_some() {
        return Err("REDIS_PASSWORD is set and REDIS_URL has a password: keep one".to_owned());
    }
    url.set_password(Some(password))
        .map_err(|()| "REDIS_PASSWORD cannot be put into this REDIS_URL".to_owned())
}

impl Check {
    pub(super) fn redis(&mut self, raw: &Raw) -> Option<RedisConfig> {
        let text = self.required("REDIS_URL", raw.redis_url.as_ref())?;
        let server = RedisServer::parse(&text, raw.redis_password.as_deref());
        let server = server.map_err(|problem| self.0.push(problem)).ok()?;
        let mut config = RedisConfig { server, authority: None };
        if let Some(file) = &raw.redis_ca_file {
            if !config.has_tls() {
                self.0.push(
                    "REDIS_CA_FILE is set, and REDIS_URL does not use TLS: write \
                             rediss instead of redis"
                        .to_owned(),
                );
            }
            match std::fs::read(file) {
                Ok(pem) => config.authority = Some(pem),
                Err(error) => self.0.push(format!("REDIS_CA_FILE: cannot read {file}: {error}")),
            }
        }
        Some(config)
    }
}
