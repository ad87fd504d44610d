//! Conversion of variables into typed settings, with a list of all problems.

use std::{collections::HashMap, fmt, time::Duration};

use gateway_contract::duration::duration;
use secrecy::SecretString;

use super::{Branding, Config, Lifetimes, Provider, Raw, ServerUrls, proxies::proxies};
use crate::model::{Issuer, canonical_host};

/// The variables that can also be read from the file named in `<variable>_FILE`.
pub(super) const SECRETS: [&str; 6] = [
    "REDIS_URL",
    "REDIS_PASSWORD",
    "GITHUB_CLIENT_SECRET",
    "OIDC_CLIENT_SECRET",
    "REGISTRATION_TOKEN",
    "VERIFY_SECRET",
];

/// The checks of the settings, with the problems found so far. A problem does not stop the later checks,
/// so that all problems are reported together.
#[derive(Default)]
pub(super) struct Check(pub(super) Vec<String>);

impl Check {
    /// Reads `.env` and the environment of the process, which takes precedence.
    pub(super) fn environment(&mut self) -> HashMap<String, String> {
        let mut variables: HashMap<String, String> = HashMap::new();
        match dotenvy::dotenv_iter() {
            Ok(lines) => {
                for line in lines {
                    match line {
                        Ok((name, value)) => drop(variables.insert(name, value)),
                        // The text of the error contains the line, and the line may contain a secret.
                        Err(_) => self.0.push(
                            ".env has a line that is not NAME=VALUE (quote a value with spaces)"
                                .to_owned(),
                        ),
                    }
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => self.0.push(format!(".env cannot be read: {error}")),
        }
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let real = std::env::vars_os();
        variables.extend(real.filter_map(|(name, value)| Some((text(name)?, text(value)?))));
        variables
    }
    pub(super) fn raw(&mut self, mut variables: HashMap<String, String>) -> Raw {
        // Compose files pass an unset variable as an empty one.
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

    pub(super) fn config(
        &mut self,
        raw: &Raw,
        variables: HashMap<String, String>,
    ) -> Option<Config> {
        let base_domain = self.base_domain(raw);
        let public_port = self.number("PUBLIC_PORT", raw.public_port.as_ref(), 443_u16);
        let server_urls = self.server_urls(raw);
        let issuer = self.issuer(raw, (base_domain.as_deref(), &server_urls, public_port));
        let listen = self.parsed("AUTH_LISTEN", raw.auth_listen.as_deref(), "127.0.0.1:8000");
        let metrics_listen = self.optional("METRICS_LISTEN", raw.metrics_listen.as_deref());
        let shutdown_delay = shutdown_delay(self, raw);
        let docker = self.optional("DOCKER_ENDPOINT", raw.docker_endpoint.as_deref());
        let proxies = proxies(raw.proxies.as_deref(), &mut self.0);
        let traefik_api = self.optional("TRAEFIK_API_URL", raw.traefik_api_url.as_deref());
        let redis = self.redis(raw);
        let signing_key_file = self.required("SIGNING_KEY_FILE", raw.signing_key_file.as_ref());
        let (providers, access) = self.access(raw, variables);
        let local_login = self.local_login(raw, &providers);
        let device_grant = self.switch("DEVICE_GRANT", raw.device_grant.as_deref());
        let signed_identity = self.switch("SIGNED_IDENTITY", raw.signed_identity.as_deref());
        let lifetimes = self.lifetimes(raw);
        // Read beside these settings, in `Config::checked`.
        let (pages, logs) = Default::default();
        Some(Config {
            // First what cannot fail, so that all problems are found.
            tls: self.tls(raw),
            facts: self.fact_terms(raw),
            verify_secret: self.verify_secret(raw),
            limits: self.limits(raw),
            clients: self.clients(raw),
            pages,
            logs,
            audit_stream_max: audit_stream_max(self, raw),
            branding: Branding::read(raw, &mut self.0),
            base_domain: base_domain?,
            public_port,
            issuer: issuer?,
            listen: listen?,
            metrics_listen,
            workers: self.optional("AUTH_WORKERS", raw.auth_workers.as_deref()),
            shutdown_delay,
            redis: redis?,
            servers_file: raw.mcp_servers_file.as_deref().unwrap_or("mcp-servers.json").into(),
            docker,
            server_urls,
            proxies,
            traefik_api,
            signing_key_file: signing_key_file?.into(),
            secrets_key_file: raw.secrets_key_file.as_ref().map(Into::into),
            providers,
            access,
            local_login: local_login?,
            device_grant: device_grant?,
            signed_identity: signed_identity?,
            lifetimes,
        })
    }

    fn issuer(
        &mut self,
        raw: &Raw,
        (domain, server_urls, port): (Option<&str>, &ServerUrls, u16),
    ) -> Option<Issuer> {
        let default = domain.map(|domain| server_urls.issuer(domain, port));
        let text = raw.issuer.clone().or(default)?;
        Issuer::parse(&text)
            .map_err(|error| self.0.push(format!("ISSUER: the issuer {text} {error}")))
            .ok()
    }

    /// Reads the base domain. Only its canonical form is accepted, because Traefik, certificates and
    /// this program compare it as text.
    fn base_domain(&mut self, raw: &Raw) -> Option<String> {
        let domain = self.required("BASE_DOMAIN", raw.base_domain.as_ref())?;
        match canonical_host(domain.trim()) {
            Some(canonical) if canonical == domain => return Some(domain),
            Some(canonical) => {
                let problem =
                    format!("BASE_DOMAIN: write {domain} as {canonical}, its canonical form");
                self.0.push(problem);
            }
            None => self.0.push(format!(
                "BASE_DOMAIN: {domain} is not a host name: write it without scheme, port and path"
            )),
        }
        None
    }

    fn lifetimes(&mut self, raw: &Raw) -> Lifetimes {
        let mut seconds = |name, text: &Option<String>, default| {
            self.time(name, text.as_deref(), Duration::from_secs(default))
        };
        let access_token = seconds("ACCESS_TOKEN_LIFETIME", &raw.access_token_lifetime, 3600);
        let refresh_token =
            seconds("REFRESH_TOKEN_LIFETIME", &raw.refresh_token_lifetime, 2_592_000);
        let refresh_grace = seconds("REFRESH_TOKEN_GRACE", &raw.refresh_token_grace, 300);
        let device_grant = seconds("DEVICE_GRANT_LIFETIME", &raw.device_grant_lifetime, 604_800);
        let client = seconds("CLIENT_LIFETIME", &raw.client_lifetime, 7_776_000);
        let login_session = seconds("LOGIN_SESSION_LIFETIME", &raw.login_session_lifetime, 43_200);
        let consent = seconds("CONSENT_LIFETIME", &raw.consent_lifetime, 7_776_000);
        for (name, span) in [
            ("ACCESS_TOKEN_LIFETIME", access_token),
            ("REFRESH_TOKEN_LIFETIME", refresh_token),
            ("DEVICE_GRANT_LIFETIME", device_grant),
        ] {
            if span.is_zero() {
                self.0.push(format!("{name} must be at least 1 second"));
            }
        }
        // A client whose registration expires before its refresh tokens would log its users out.
        if !client.is_zero() && client < refresh_token {
            self.0.push("CLIENT_LIFETIME is shorter than REFRESH_TOKEN_LIFETIME".to_owned());
        }
        let unless_zero = |span: Duration| (!span.is_zero()).then_some(span);
        Lifetimes {
            access_token,
            refresh_token,
            refresh_grace,
            device_grant,
            client: unless_zero(client),
            client_unused: self.client_unused(raw, client),
            login_session: unless_zero(login_session),
            consent: unless_zero(consent),
        }
    }

    fn client_unused(&mut self, raw: &Raw, client: Duration) -> Option<Duration> {
        let name = "CLIENT_UNUSED_LIFETIME";
        let default = client.min(Duration::from_hours(24));
        let unused = self.time(name, raw.client_unused_lifetime.as_deref(), default);
        if !client.is_zero() && unused > client {
            self.0.push(format!("CLIENT_LIFETIME is shorter than {name}"));
        }
        (!unused.is_zero()).then_some(unused)
    }

    /// Reads `LOCAL_LOGIN`, without which there must be another way to log in.
    fn local_login(&mut self, raw: &Raw, providers: &[Provider]) -> Option<bool> {
        let local = self.switch("LOCAL_LOGIN", raw.local_login.as_deref());
        if providers.is_empty() && local == Some(false) {
            let problem = "no login provider is enabled: set GITHUB_CLIENT_ID or OIDC_ISSUER, or set \
                           LOCAL_LOGIN to true";
            self.0.push(problem.to_owned());
        }
        local
    }

    /// Reads a switch that is on by default. Accepts `true`, `false`, `on` and `off`.
    pub(super) fn switch(&mut self, name: &str, value: Option<&str>) -> Option<bool> {
        match value {
            Some("on") => Some(true),
            Some("off") => Some(false),
            other => self.parsed(name, other, "true"),
        }
    }

    fn verify_secret(&mut self, raw: &Raw) -> Option<SecretString> {
        let secret = raw.verify_secret.as_deref()?;
        // The secret is sent in a header, where spaces at either end would be lost.
        if secret.len() < 16 || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem =
                "VERIFY_SECRET must be at least 16 visible ASCII characters, without spaces";
            self.0.push(problem.to_owned());
        }
        Some(secret.into())
    }

    pub(super) fn required(&mut self, name: &str, value: Option<&String>) -> Option<String> {
        if value.is_none() {
            self.0.push(format!("{name} is not set"));
        }
        value.cloned()
    }

    pub(super) fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        name: &str,
        value: Option<&str>,
        default: &str,
    ) -> Option<T> {
        let text = value.unwrap_or(default);
        text.parse().map_err(|error| self.0.push(format!("{name}: \"{text}\": {error}"))).ok()
    }

    fn optional<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        name: &str,
        value: Option<&str>,
    ) -> Option<T> {
        value.and_then(|text| self.parsed(name, Some(text), ""))
    }

    /// Reads a duration: whole seconds, or a number with a unit. Returns `other` if it is not set.
    pub(super) fn time(&mut self, name: &str, text: Option<&str>, other: Duration) -> Duration {
        let Some(text) = text else { return other };
        let seconds = text.parse().ok().map(|seconds: u32| Duration::from_secs(seconds.into()));
        seconds.or_else(|| duration(text)).unwrap_or_else(|| {
            self.0.push(format!(
                "{name}: \"{text}\" is not a duration: write 30d, 12h, 30m or a number of seconds"
            ));
            other
        })
    }

    pub(super) fn number<T: std::str::FromStr>(
        &mut self,
        name: &str,
        text: Option<&String>,
        other: T,
    ) -> T {
        let Some(text) = text else { return other };
        text.parse().unwrap_or_else(|_| {
            self.0.push(format!("{name}: \"{text}\" is not a whole number in range"));
            other
        })
    }
}

fn shutdown_delay(check: &mut Check, raw: &Raw) -> Duration {
    check.time("SHUTDOWN_DELAY", raw.shutdown_delay.as_deref(), Duration::ZERO)
}

/// Reads the maximum number of audit events in Redis. Pages and commands need some.
pub(super) fn audit_stream_max(check: &mut Check, raw: &Raw) -> usize {
    let most = check.number("AUDIT_STREAM_MAX", raw.audit_stream_max.as_ref(), 100_000_usize);
    if most < 1_000 {
        check.0.push("AUDIT_STREAM_MAX must be at least 1000".to_owned());
    }
    most
}
