//! Settings of logins: the providers, the source of the access policy, and the age that facts may have.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::SecretString;

use super::{
    GithubProvider, Provider, ProviderKind, ProviderTable, Raw, SecretSource, check::Check,
};
use crate::{
    access::{self, Document, limits},
    model::{FactsRecord, ProviderName, UnixTime},
};

/// The source of the access policy.
#[derive(Clone, Debug)]
pub enum AccessSource {
    /// `ACCESS_FILE`: the access file.
    File {
        /// Its path.
        path: PathBuf,
        /// The providers that variables declare, which the file may name.
        outside: Vec<access::Provider>,
    },
    /// The lists of people who may log in and use every server.
    Lists {
        /// `ALLOWED_GITHUB_USERS`.
        github: Vec<String>,
        /// `OIDC_ALLOW`.
        oidc: Vec<String>,
    },
}

/// The age that facts about people may have.
#[derive(Clone, Copy, Debug)]
pub struct FactTerms {
    /// `FACTS_CHECK_INTERVAL`: the interval between checks of a person who is active. Default: 600 s.
    pub interval: Duration,
    /// `FACTS_GRACE`: the time for which facts stay in force after a check was due, while the provider does
    /// not answer. Default: 3600 s.
    pub grace: Duration,
    /// `FACTS_MAX_AGE`: the time for which the facts of a login stay in force if the provider issues no
    /// token to check them. Default: 86400 s.
    pub max_age: Duration,
}

impl FactTerms {
    /// Returns the time from which the facts of `record` are out of date.
    #[must_use]
    pub fn end_of(&self, record: &FactsRecord) -> UnixTime {
        let term = if record.renewable { self.interval + self.grace } else { self.max_age };
        record.checked_at.plus(term)
    }

    /// Returns `true` if the facts of `record` are to be checked again.
    #[must_use]
    pub fn is_due(&self, record: &FactsRecord, now: UnixTime) -> bool {
        record.renewable && record.checked_at.plus(self.interval) <= now
    }
}

/// The access file, as far as it was read without mistakes.
#[derive(Debug)]
pub struct AccessFile {
    /// The policy and the expectations.
    pub document: Document,
    /// The login providers of the file.
    pub providers: Vec<Provider>,
}

impl AccessFile {
    /// Reads the file at `path`, or returns all its mistakes. `outside` are the providers of variables, and
    /// `variable` looks up the variables with client secrets.
    pub fn read(
        path: &Path,
        outside: &[access::Provider],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<String>> {
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::read_with(path, outside, |source| source.read(directory, &variable))
    }

    /// Reads the file at `path` like [`Self::read`], without client secrets. For checks of the file alone.
    pub fn without_secrets(path: &Path, outside: &[access::Provider]) -> Result<Self, Vec<String>> {
        Self::read_with(path, outside, |_| Ok(SecretString::from("not read")))
    }

    fn read_with(
        path: &Path,
        outside: &[access::Provider],
        secret: impl Fn(&SecretSource) -> Result<SecretString, String>,
    ) -> Result<Self, Vec<String>> {
        let name = path.display();
        let text = text(path).map_err(|what| vec![what])?;
        let document = Document::read(&text, outside).map_err(|problems| {
            problems.iter().map(|problem| format!("{name}:{problem}")).collect::<Vec<_>>()
        })?;
        let (mut providers, mut problems) = (Vec::new(), Vec::new());
        for table in &document.providers {
            let of = &table.provider.name;
            let place =
                format!("{name}:{}:{}: provider.{of}", table.place.line, table.place.column);
            if outside.iter().any(|provider| provider.name == *of) {
                problems
                    .push(format!("{place}: variables declare this provider as well; keep one"));
            }
            let typed: Result<ProviderTable, _> = table.table.clone().try_into();
            let read = typed.map_err(|error| vec![error.message().to_owned()]);
            match read.and_then(|typed| typed.provider(of, &secret)) {
                Ok(provider) => providers.push(provider),
                Err(found) => {
                    problems.extend(found.iter().map(|what| format!("{place}: {what}")));
                }
            }
        }
        if problems.is_empty() { Ok(Self { document, providers }) } else { Err(problems) }
    }
}

/// Reads the text of the file, up to its largest size.
fn text(path: &Path) -> Result<String, String> {
    let name = path.display();
    let cannot = |error: std::io::Error| format!("cannot read {name}: {error}");
    let mut bytes = Vec::new();
    // One byte more than the file may have.
    let most = u64::try_from(limits::FILE).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() > limits::FILE {
        return Err(format!("{name} is larger than {} kB", limits::FILE / 1024));
    }
    String::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))
}

impl Provider {
    /// Returns what the policy needs to know of the provider.
    #[must_use]
    pub fn for_policy(&self) -> access::Provider {
        let (kind, unique_names) = match &self.kind {
            ProviderKind::Oidc(oidc) => (access::ProviderKind::Oidc, oidc.unique_names),
            ProviderKind::Github(_) => (access::ProviderKind::Github, true),
        };
        access::Provider { name: self.name.as_str().to_owned(), kind, unique_names }
    }
}

impl Check {
    /// Reads the login providers and the source of the access policy.
    pub(super) fn access(
        &mut self,
        raw: &Raw,
        variables: HashMap<String, String>,
    ) -> (Vec<Provider>, AccessSource) {
        let of_variables: Vec<_> = self.github(raw).into_iter().chain(self.oidc(raw)).collect();
        let Some(path) = raw.access_file.as_ref().map(PathBuf::from) else {
            let (github, oidc) =
                (list(raw.allowed_github_users.as_ref()), list(raw.oidc_allow.as_ref()));
            self.check_lists(&of_variables, (&github, &oidc));
            return (of_variables, AccessSource::Lists { github, oidc });
        };
        for (name, list) in
            [("ALLOWED_GITHUB_USERS", &raw.allowed_github_users), ("OIDC_ALLOW", &raw.oidc_allow)]
        {
            if list.is_some() {
                self.0.push(format!(
                    "{name} and ACCESS_FILE are both set: move the people to login.allow of the file"
                ));
            }
        }
        let variable = move |name: &str| variables.get(name).cloned();
        let outside: Vec<_> = of_variables.iter().map(Provider::for_policy).collect();
        let mut providers = of_variables;
        match AccessFile::read(&path, &outside, variable) {
            Ok(file) => providers.extend(file.providers),
            Err(problems) => {
                self.0.extend(problems.into_iter().map(|what| format!("ACCESS_FILE: {what}")));
            }
        }
        (providers, AccessSource::File { path, outside })
    }

    fn check_lists(&mut self, providers: &[Provider], (github, oidc): (&[String], &[String])) {
        let has = |wanted: fn(&ProviderKind) -> bool| {
            providers.iter().any(|provider| wanted(&provider.kind))
        };
        if has(|kind| matches!(kind, ProviderKind::Github(_))) && github.is_empty() {
            self.0.push(
                "ALLOWED_GITHUB_USERS is empty, which admits nobody: \
                list GitHub logins, or * for everybody"
                    .to_owned(),
            );
        }
        if has(|kind| matches!(kind, ProviderKind::Oidc(_))) && oidc.is_empty() {
            log::warn!(
                "OIDC_ALLOW is empty, which admits nobody: list people such as group:staff, or * for \
                 everybody of the provider"
            );
        }
    }

    fn oidc(&mut self, raw: &Raw) -> Option<Provider> {
        let secret = raw.oidc_client_secret.clone().map(SecretString::from);
        let (issuer, client) = (raw.oidc_issuer.as_deref(), raw.oidc_client_id.as_deref());
        Provider::of_variables(issuer, client, secret).unwrap_or_else(|problems| {
            self.0.extend(problems);
            None
        })
    }

    fn github(&mut self, raw: &Raw) -> Option<Provider> {
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
        let base = raw.github_base_url.as_deref();
        let api = raw.github_api_url.as_deref();
        let github = GithubProvider {
            client_id,
            client_secret: client_secret.into(),
            base_url: self.parsed("GITHUB_BASE_URL", base, "https://github.com")?,
            api_url: self.parsed("GITHUB_API_URL", api, "https://api.github.com")?,
            trust_email: false,
        };
        let kind = ProviderKind::Github(Box::new(github));
        Some(Provider { name: ProviderName::github(), title: "GitHub".to_owned(), kind })
    }

    /// Reads the age that facts about people may have.
    pub(super) fn fact_terms(&mut self, raw: &Raw) -> FactTerms {
        let mut seconds = |name, text: &Option<String>, default| {
            self.time(name, text.as_deref(), Duration::from_secs(default))
        };
        let interval = seconds("FACTS_CHECK_INTERVAL", &raw.facts_check_interval, 600);
        let grace = seconds("FACTS_GRACE", &raw.facts_grace, 3600);
        let max_age = seconds("FACTS_MAX_AGE", &raw.facts_max_age, 86_400);
        for (name, span) in [("FACTS_CHECK_INTERVAL", interval), ("FACTS_MAX_AGE", max_age)] {
            if span.is_zero() {
                self.0.push(format!("{name} must be at least 1 second"));
            }
        }
        FactTerms { interval, grace, max_age }
    }
}

/// Returns the entries of a list that commas separate.
fn list(text: Option<&String>) -> Vec<String> {
    let entries = text.map_or("", String::as_str).split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}
