//! Settings: environment and `.env` into typed values, with every problem named at once.

use std::{collections::HashMap, fmt, net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::model::{AllowList, Issuer};

/// The settings of `serve`.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BASE_DOMAIN`: servers are hosts below it.
    pub base_domain: String,
    /// `PUBLIC_PORT`: the port in public URLs, 443.
    pub public_port: u16,
    /// `ISSUER`: `https://auth.$BASE_DOMAIN`, with the public port unless it is 443.
    pub issuer: Issuer,
    /// `AUTH_LISTEN`: where to listen, `127.0.0.1:8000`.
    pub listen: SocketAddr,
    /// `REDIS_URL` with `REDIS_PASSWORD`.
    pub redis: RedisConfig,
    /// `MCP_SERVERS_FILE`: the catalogue, `mcp-servers.json`.
    pub servers_file: PathBuf,
    /// `SIGNING_KEY_FILE`: PEM of one or more private keys; the first signs, all verify.
    pub signing_key_file: PathBuf,
    /// `GITHUB_CLIENT_ID` and its companions; `None` turns GitHub login off.
    pub github: Option<GithubConfig>,
    /// `LOCAL_LOGIN`: whether codes minted by the operator log in, `true`.
    pub local_login: bool,
    /// Lifetimes of what is issued.
    pub lifetimes: Lifetimes,
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
    /// `REFRESH_TOKEN_GRACE`: for how many seconds a spent refresh token still gives its
    /// successor, 60.
    pub refresh_grace: Duration,
    /// `CLIENT_LIFETIME`: 7776000 s; 0 is for ever.
    pub client: Option<Duration>,
}

/// Everything that is wrong with the settings.
#[derive(Debug)]
pub struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} problem(s):", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for Problems {}

/// The settings as text, one field a variable.
#[derive(Debug, Default, Deserialize)]
struct Raw {
    base_domain: Option<String>,
    public_port: Option<String>,
    issuer: Option<String>,
    auth_listen: Option<String>,
    redis_url: Option<String>,
    redis_password: Option<String>,
    mcp_servers_file: Option<String>,
    signing_key_file: Option<String>,
    github_client_id: Option<String>,
    github_client_secret: Option<String>,
    github_base_url: Option<String>,
    github_api_url: Option<String>,
    allowed_github_users: Option<String>,
    local_login: Option<String>,
    access_token_lifetime: Option<String>,
    refresh_token_lifetime: Option<String>,
    refresh_token_grace: Option<String>,
    client_lifetime: Option<String>,
}

/// The variables whose value may come from a file named by `<variable>_FILE`.
const SECRETS: [&str; 3] = ["REDIS_URL", "REDIS_PASSWORD", "GITHUB_CLIENT_SECRET"];

impl Config {
    /// The settings of this process.
    pub fn load() -> Result<Self, Problems> {
        Self::from_map(environment())
    }

    /// The settings in `variables`.
    pub fn from_map(variables: HashMap<String, String>) -> Result<Self, Problems> {
        let mut check = Check::default();
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
        let raw = check.raw(environment());
        check.redis(&raw).ok_or(Problems(check.0))
    }
}

/// `.env` beneath the real environment.
fn environment() -> HashMap<String, String> {
    let mut variables: HashMap<String, String> = HashMap::new();
    if let Ok(lines) = dotenvy::dotenv_iter() {
        variables.extend(lines.filter_map(Result::ok));
    }
    variables.extend(std::env::vars());
    variables
}

/// Checks that go on after a problem, so that all of them are reported together.
#[derive(Default)]
struct Check(Vec<String>);

impl Check {
    fn raw(&mut self, mut variables: HashMap<String, String>) -> Raw {
        // An empty variable is how compose files spell an absent one.
        variables.retain(|_, value| !value.trim().is_empty());
        for name in SECRETS {
            let Some(file) = variables.get(&format!("{name}_FILE")).cloned() else { continue };
            if variables.contains_key(name) {
                self.0.push(format!("{name} and {name}_FILE are both set: keep one"));
            }
            match std::fs::read_to_string(&file) {
                Ok(text) => drop(variables.insert(name.to_owned(), text.trim().to_owned())),
                Err(error) => self.0.push(format!("{name}_FILE: cannot read {file}: {error}")),
            }
        }
        let source = config::Environment::default().source(Some(variables));
        let read = config::Config::builder().add_source(source).build();
        read.and_then(config::Config::try_deserialize).unwrap_or_else(|error| {
            self.0.push(error.to_string());
            Raw::default()
        })
    }

    fn config(&mut self, raw: &Raw) -> Option<Config> {
        let base_domain = self.required("BASE_DOMAIN", raw.base_domain.as_ref());
        let public_port = self.number("PUBLIC_PORT", raw.public_port.as_ref(), 443_u16);
        let issuer = self.issuer(raw, base_domain.as_deref(), public_port);
        let listen = self.parsed("AUTH_LISTEN", raw.auth_listen.as_deref(), "127.0.0.1:8000");
        let redis = self.redis(raw);
        let signing_key_file = self.required("SIGNING_KEY_FILE", raw.signing_key_file.as_ref());
        let github = self.github(raw);
        let local_login = self.parsed("LOCAL_LOGIN", raw.local_login.as_deref(), "true");
        let lifetimes = self.lifetimes(raw);
        if github.is_none() && local_login == Some(false) {
            self.0.push(
                "LOCAL_LOGIN is false and GITHUB_CLIENT_ID is not set: \
                nobody could log in"
                    .to_owned(),
            );
        }
        Some(Config {
            base_domain: base_domain?,
            public_port,
            issuer: issuer?,
            listen: listen?,
            redis: redis?,
            servers_file: raw.mcp_servers_file.as_deref().unwrap_or("mcp-servers.json").into(),
            signing_key_file: signing_key_file?.into(),
            github,
            local_login: local_login?,
            lifetimes,
        })
    }

    fn issuer(&mut self, raw: &Raw, domain: Option<&str>, port: u16) -> Option<Issuer> {
        let text = match (&raw.issuer, domain) {
            (Some(text), _) => text.clone(),
            (None, Some(domain)) if port == 443 => format!("https://auth.{domain}"),
            (None, Some(domain)) => format!("https://auth.{domain}:{port}"),
            (None, None) => return None,
        };
        let name = if raw.issuer.is_some() { "ISSUER" } else { "BASE_DOMAIN" };
        Issuer::parse(&text)
            .map_err(|error| self.0.push(format!("{name}: the issuer {text} {error}")))
            .ok()
    }

    fn redis(&mut self, raw: &Raw) -> Option<RedisConfig> {
        let text = self.required("REDIS_URL", raw.redis_url.as_ref())?;
        let mut url = Url::parse(&text)
            .map_err(|error| self.0.push(format!("REDIS_URL is not a URL: {error}")))
            .ok()?;
        if !matches!(url.scheme(), "redis" | "rediss" | "unix" | "redis+unix") {
            self.0.push("REDIS_URL must start with redis://, rediss:// or unix://".to_owned());
            return None;
        }
        if let Some(password) = &raw.redis_password {
            if url.password().is_some() {
                self.0.push(
                    "REDIS_PASSWORD is set and REDIS_URL has a password: \
                    keep one"
                        .to_owned(),
                );
            }
            if url.set_password(Some(password)).is_err() {
                self.0.push("REDIS_PASSWORD cannot be put into this REDIS_URL".to_owned());
            }
        }
        Some(RedisConfig { url: String::from(url).into() })
    }

    fn github(&mut self, raw: &Raw) -> Option<GithubConfig> {
        let (client_id, client_secret) = match (&raw.github_client_id, &raw.github_client_secret) {
            (None, None) => return None,
            (Some(id), Some(secret)) => (id.clone(), secret.clone()),
            (Some(_), None) => {
                self.0.push("GITHUB_CLIENT_ID is set without GITHUB_CLIENT_SECRET".to_owned());
                return None;
            }
            (None, Some(_)) => {
                self.0.push("GITHUB_CLIENT_SECRET is set without GITHUB_CLIENT_ID".to_owned());
                return None;
            }
        };
        let users = raw.allowed_github_users.as_deref().unwrap_or("");
        let allowed = AllowList::new(users.split(',').map(|user| user.trim().to_owned()).collect());
        if allowed.is_empty() {
            self.0.push(
                "ALLOWED_GITHUB_USERS is empty, which admits nobody: \
                list GitHub logins, or * for everybody"
                    .to_owned(),
            );
        }
        let base = raw.github_base_url.as_deref();
        let api = raw.github_api_url.as_deref();
        Some(GithubConfig {
            client_id,
            client_secret: client_secret.into(),
            base_url: self.parsed("GITHUB_BASE_URL", base, "https://github.com")?,
            api_url: self.parsed("GITHUB_API_URL", api, "https://api.github.com")?,
            allowed,
        })
    }

    fn lifetimes(&mut self, raw: &Raw) -> Lifetimes {
        let mut seconds = |name, text: &Option<String>, default: u32| {
            Duration::from_secs(self.number(name, text.as_ref(), default).into())
        };
        let access_token = seconds("ACCESS_TOKEN_LIFETIME", &raw.access_token_lifetime, 3600);
        let refresh_token =
            seconds("REFRESH_TOKEN_LIFETIME", &raw.refresh_token_lifetime, 2_592_000);
        let refresh_grace = seconds("REFRESH_TOKEN_GRACE", &raw.refresh_token_grace, 60);
        let client = seconds("CLIENT_LIFETIME", &raw.client_lifetime, 7_776_000);
        for (name, span) in
            [("ACCESS_TOKEN_LIFETIME", access_token), ("REFRESH_TOKEN_LIFETIME", refresh_token)]
        {
            if span.is_zero() {
                self.0.push(format!("{name} must be at least 1 second"));
            }
        }
        // A registration that ends before its refresh tokens logs its users out.
        if !client.is_zero() && client < refresh_token {
            self.0.push("CLIENT_LIFETIME is shorter than REFRESH_TOKEN_LIFETIME".to_owned());
        }
        let client = (!client.is_zero()).then_some(client);
        Lifetimes { access_token, refresh_token, refresh_grace, client }
    }

    fn required(&mut self, name: &str, value: Option<&String>) -> Option<String> {
        if value.is_none() {
            self.0.push(format!("{name} is not set"));
        }
        value.cloned()
    }

    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        name: &str,
        value: Option<&str>,
        default: &str,
    ) -> Option<T> {
        let text = value.unwrap_or(default);
        text.parse().map_err(|error| self.0.push(format!("{name}: \"{text}\": {error}"))).ok()
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str, text: Option<&String>, other: T) -> T {
        let Some(text) = text else { return other };
        text.parse().unwrap_or_else(|_| {
            self.0.push(format!("{name}: \"{text}\" is not a whole number in range"));
            other
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        let base = [
            ("BASE_DOMAIN", "gw.example"),
            ("REDIS_URL", "redis://127.0.0.1/0"),
            ("SIGNING_KEY_FILE", "key.pem"),
        ];
        base.iter().chain(pairs).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn problems(pairs: &[(&str, &str)]) -> String {
        Config::from_map(settings(pairs)).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_issuer_follows_from_the_domain_and_the_port() {
        let issuer = |pairs: &[(&str, &str)]| {
            Config::from_map(settings(pairs)).unwrap().issuer.as_str().to_owned()
        };
        assert_eq!(issuer(&[]), "https://auth.gw.example");
        assert_eq!(issuer(&[("PUBLIC_PORT", "8443")]), "https://auth.gw.example:8443");
        assert_eq!(issuer(&[("ISSUER", "https://id.example")]), "https://id.example");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let map = [("AUTH_LISTEN", "nonsense"), ("GITHUB_CLIENT_ID", "x"), ("PUBLIC_PORT", "-1")];
        let map = map.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect();
        let text = Config::from_map(map).map(|_| ()).unwrap_err().to_string();
        for name in [
            "BASE_DOMAIN is not set",
            "REDIS_URL is not set",
            "SIGNING_KEY_FILE is not set",
            "AUTH_LISTEN",
            "PUBLIC_PORT",
            "GITHUB_CLIENT_SECRET",
        ] {
            assert!(text.contains(name), "{name} is missing in: {text}");
        }
    }

    #[test]
    fn an_empty_allow_list_admits_nobody() {
        let github = [("GITHUB_CLIENT_ID", "id"), ("GITHUB_CLIENT_SECRET", "secret")];
        assert!(problems(&github).contains("ALLOWED_GITHUB_USERS"));
        let blank = [github[0], github[1], ("ALLOWED_GITHUB_USERS", " , ")];
        assert!(problems(&blank).contains("ALLOWED_GITHUB_USERS"));
        let star = [github[0], github[1], ("ALLOWED_GITHUB_USERS", "*")];
        assert!(Config::from_map(settings(&star)).is_ok());
    }

    #[test]
    fn contradictions_are_problems() {
        assert!(problems(&[("LOCAL_LOGIN", "false")]).contains("nobody could log in"));
        assert!(problems(&[("CLIENT_LIFETIME", "60")]).contains("CLIENT_LIFETIME"));
        assert!(problems(&[("ISSUER", "http://id.example")]).contains("ISSUER"));
        assert!(problems(&[("REDIS_URL", "http://x")]).contains("REDIS_URL"));
        assert!(problems(&[("ACCESS_TOKEN_LIFETIME", "0")]).contains("ACCESS_TOKEN_LIFETIME"));
        let both = [("REDIS_URL", "redis://:a@h/0"), ("REDIS_PASSWORD", "b")];
        assert!(problems(&both).contains("keep one"));
    }

    #[test]
    fn a_secret_can_come_from_a_file() {
        let text = problems(&[("GITHUB_CLIENT_SECRET_FILE", "/nonexistent/secret")]);
        assert!(text.contains("GITHUB_CLIENT_SECRET_FILE"), "{text}");
    }
}
