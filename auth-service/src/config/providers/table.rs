//! The table `[provider.NAME]` of the access file.

use std::{collections::BTreeMap, path::PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, de::IgnoredAny};
use url::Url;

use super::{
    GithubProvider, Provider, ProviderKind,
    oidc::{ClientAuth, OfflineAccess, OidcProvider},
    secret::SecretSource,
};
use crate::model::ProviderName;

/// The table of one provider, as it is written. Unknown keys are errors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderTable {
    #[serde(default)]
    kind: Kind,
    title: Option<String>,
    client_id: String,
    client_secret_file: Option<PathBuf>,
    client_secret_variable: Option<String>,
    /// Refused with an explanation, and never read.
    client_secret: Option<IgnoredAny>,
    #[serde(default)]
    trust_email: bool,
    // Of an OpenID provider.
    issuer: Option<String>,
    client_auth: Option<ClientAuth>,
    scopes: Option<Vec<String>>,
    groups: Option<String>,
    groups_limit: Option<usize>,
    offline_access: Option<OfflineAccess>,
    unique_names: Option<bool>,
    tenants: Option<Vec<String>>,
    hosted_domain: Option<String>,
    authorize: Option<BTreeMap<String, String>>,
    // Of GitHub.
    base_url: Option<Url>,
    api_url: Option<Url>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Oidc,
    Github,
}

impl ProviderTable {
    /// Returns the provider `name`, or all problems of the table.
    ///
    /// `read` reads the client secret. A check of the file alone passes a placeholder.
    pub fn provider(
        self,
        name: &str,
        read: impl Fn(&SecretSource) -> Result<SecretString, String>,
    ) -> Result<Provider, Vec<String>> {
        let mut problems = Vec::new();
        let parsed = match (name, self.kind) {
            ("github", Kind::Github) => Ok(ProviderName::github()),
            _ => ProviderName::parse(name).map_err(|error| problems.push(error.to_string())),
        };
        if self.client_secret.is_some() {
            problems.push(
                "client_secret: the secret does not belong into this file; write \
                client_secret_file or client_secret_variable"
                    .to_owned(),
            );
        }
        let source = match (&self.client_secret_file, &self.client_secret_variable) {
            (Some(_), Some(_)) => {
                problems.push(
                    "client_secret_file and client_secret_variable are both set: keep one"
                        .to_owned(),
                );
                None
            }
            (Some(path), None) => Some(SecretSource::File(path.clone())),
            (None, Some(variable)) => Some(SecretSource::Variable(variable.clone())),
            (None, None) => None,
        };
        let secret = source.map(|source| read(&source));
        let secret = secret.and_then(|read| read.map_err(|problem| problems.push(problem)).ok());
        let title = self.title.clone().unwrap_or_else(|| name.to_owned());
        let kind = match self.kind {
            Kind::Oidc => self.oidc(secret).map(|oidc| ProviderKind::Oidc(Box::new(oidc))),
            Kind::Github => {
                self.github(secret).map(|github| ProviderKind::Github(Box::new(github)))
            }
        };
        let kind = kind.map_err(|more| problems.extend(more));
        match (parsed, kind, problems.is_empty()) {
            (Ok(name), Ok(kind), true) => Ok(Provider { name, title, kind }),
            _ => Err(problems),
        }
    }

    fn oidc(self, secret: Option<SecretString>) -> Result<OidcProvider, Vec<String>> {
        let mut problems = foreign(
            "an OpenID provider",
            [("base_url", self.base_url.is_some()), ("api_url", self.api_url.is_some())],
        );
        let Some(issuer) = self.issuer else {
            problems.push("issuer is missing".to_owned());
            return Err(problems);
        };
        let mut oidc = OidcProvider {
            client_auth: self.client_auth,
            scopes: self.scopes,
            groups_limit: self.groups_limit,
            offline_access: self.offline_access.unwrap_or_default(),
            trust_email: self.trust_email,
            unique_names: self.unique_names.unwrap_or_default(),
            tenants: self.tenants.unwrap_or_default(),
            hosted_domain: self.hosted_domain,
            authorize: self.authorize.unwrap_or_default(),
            ..OidcProvider::new(issuer, self.client_id, secret)
        };
        if let Some(groups) = self.groups {
            oidc.groups = groups;
        }
        match oidc.complete() {
            Ok(oidc) if problems.is_empty() => Ok(oidc),
            Ok(_) => Err(problems),
            Err(more) => Err([problems, more].concat()),
        }
    }

    fn github(self, secret: Option<SecretString>) -> Result<GithubProvider, Vec<String>> {
        let mut problems = foreign(
            "GitHub",
            [
                ("issuer", self.issuer.is_some()),
                ("client_auth", self.client_auth.is_some()),
                ("scopes", self.scopes.is_some()),
                ("groups", self.groups.is_some()),
                ("groups_limit", self.groups_limit.is_some()),
                ("offline_access", self.offline_access.is_some()),
                ("unique_names", self.unique_names.is_some()),
                ("tenants", self.tenants.is_some()),
                ("hosted_domain", self.hosted_domain.is_some()),
                ("authorize", self.authorize.is_some()),
            ],
        );
        if secret.is_none() {
            problems.push("an OAuth app of GitHub needs a client secret".to_owned());
        }
        let base_url = self.base_url.or_else(|| Url::parse("https://github.com").ok());
        let default_api = match &base_url {
            Some(base) if base.host_str() != Some("github.com") => base.join("/api/v3").ok(),
            _ => Url::parse("https://api.github.com").ok(),
        };
        match (secret, base_url, self.api_url.or(default_api)) {
            (Some(client_secret), Some(base_url), Some(api_url)) if problems.is_empty() => {
                let client_id = self.client_id;
                let trust_email = self.trust_email;
                Ok(GithubProvider { client_id, client_secret, base_url, api_url, trust_email })
            }
            _ => Err(problems),
        }
    }
}

/// Returns a problem for each key that is set and belongs to providers of another kind.
fn foreign<const KEYS: usize>(kind: &str, keys: [(&str, bool); KEYS]) -> Vec<String> {
    let set = keys.into_iter().filter(|(_, set)| *set);
    set.map(|(key, _)| format!("{key} is not a key of {kind}; see kind")).collect()
}

impl Provider {
    /// Returns the provider `oidc` of the variables `OIDC_ISSUER`, `OIDC_CLIENT_ID` and
    /// `OIDC_CLIENT_SECRET`, or all their problems. Returns `None` if none of them is set.
    pub fn of_variables(
        issuer: Option<&str>,
        client_id: Option<&str>,
        client_secret: Option<SecretString>,
    ) -> Result<Option<Self>, Vec<String>> {
        let (issuer, client_id) = match (issuer, client_id, &client_secret) {
            (None, None, None) => return Ok(None),
            (Some(issuer), Some(client_id), _) => (issuer, client_id),
            (None, ..) => return Err(vec!["OIDC_ISSUER is missing".to_owned()]),
            (_, None, _) => return Err(vec!["OIDC_CLIENT_ID is missing".to_owned()]),
        };
        let oidc = OidcProvider::new(issuer.to_owned(), client_id.to_owned(), client_secret);
        let kind = ProviderKind::Oidc(Box::new(oidc.complete()?));
        let name = ProviderName::parse("oidc").map_err(|error| vec![error.to_string()])?;
        let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
        Ok(Some(Self { name, title: host.unwrap_or_else(|| issuer.to_owned()), kind }))
    }
}
