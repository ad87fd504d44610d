//! Settings of one OpenID provider, and the rules that they follow.

use std::{collections::BTreeMap, net::IpAddr};

use secrecy::SecretString;
use serde::Deserialize;
use url::{Host, Url};

/// Parameters of the authorization request that the client sets itself.
const OWN_PARAMETERS: [&str; 12] = [
    "client_id",
    "response_type",
    "response_mode",
    "redirect_uri",
    "state",
    "nonce",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "registration",
];
/// The hosts of Microsoft Entra in its clouds.
const ENTRA_HOSTS: [&str; 3] =
    ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];
/// The domains below which Okta gives each organization a host.
const OKTA_DOMAINS: [&str; 3] = [".okta.com", ".oktapreview.com", ".okta-emea.com"];
/// The number of groups after which Okta silently drops the rest.
const OKTA_GROUPS: usize = 100;

/// The settings of the client at one OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcProvider {
    /// The issuer identifier, compared byte for byte with discovery and tokens.
    pub issuer: String,
    /// The client id at the provider.
    pub client_id: String,
    /// The client secret. A public client has none, and relies on PKCE.
    pub client_secret: Option<SecretString>,
    /// The authentication method at the token endpoint. Default: the one that discovery offers.
    pub client_auth: Option<ClientAuth>,
    /// The scopes to request. With `None`, the usual ones that discovery offers.
    pub scopes: Option<Vec<String>>,
    /// The JSON pointer (RFC 6901) to the groups in the claims.
    pub groups: String,
    /// The number of groups at which the provider truncates the list. That many are not all.
    pub groups_limit: Option<usize>,
    /// The way to ask for a refresh token, where one is needed.
    pub offline_access: OfflineAccess,
    /// `true` if the operator vouches for all e-mail addresses of the provider.
    pub trust_email: bool,
    /// `true` if the operator vouches that no two accounts have had the same login name.
    pub unique_names: bool,
    /// The ids of the tenants of Microsoft Entra whose accounts may log in. Empty for other providers.
    pub tenants: Vec<String>,
    /// The Google Workspace domain of the accounts that may log in (claim `hd`).
    pub hosted_domain: Option<String>,
    /// Further parameters of the authorization request.
    pub authorize: BTreeMap<String, String>,
}

/// The authentication method of a client at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// HTTP Basic authentication, `client_secret_basic`.
    Basic,
    /// The secret in the form, `client_secret_post`.
    Post,
}

/// The way to ask for a refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfflineAccess {
    /// With `prompt=consent`, as OpenID Connect Core §11 requires.
    #[default]
    Consent,
    /// Without a prompt, at providers that need none.
    Quiet,
    /// Not at all. The facts then expire, and the person logs in again.
    Never,
}

impl OidcProvider {
    /// Returns the settings with a default for everything but the issuer and the client.
    #[must_use]
    pub fn new(issuer: String, client_id: String, client_secret: Option<SecretString>) -> Self {
        Self {
            issuer,
            client_id,
            client_secret,
            client_auth: None,
            scopes: None,
            groups: "/groups".to_owned(),
            groups_limit: None,
            offline_access: OfflineAccess::default(),
            trust_email: false,
            unique_names: false,
            tenants: Vec::new(),
            hosted_domain: None,
            authorize: BTreeMap::new(),
        }
    }

    /// Returns `true` if the provider is Microsoft Entra. Its stable id is the tenant with the object
    /// id, and its e-mail addresses prove nothing.
    #[must_use]
    pub fn is_entra(&self) -> bool {
        !self.tenants.is_empty()
    }

    /// Completes the settings with what follows from the issuer, and returns all problems.
    pub(super) fn complete(mut self) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        match issuer(&self.issuer) {
            Ok(url) => self.complete_for(&url, &mut problems),
            Err(problem) => problems.push(problem),
        }
        if self.client_id.trim().is_empty() {
            problems.push("client_id is empty".to_owned());
        }
        if !self.groups.starts_with('/') || self.groups.len() < 2 {
            problems.push(format!(
                "groups: \"{}\" is not a JSON pointer; write /groups for the claim groups",
                self.groups
            ));
        }
        if self.groups_limit == Some(0) {
            problems.push("groups_limit must be at least 1".to_owned());
        }
        if let Some(own) = self.authorize.keys().find(|key| OWN_PARAMETERS.contains(&key.as_str()))
        {
            problems.push(format!("authorize: {own} cannot be set, the gateway sets it itself"));
        }
        let odd = |scope: &&String| {
            scope.is_empty() || !scope.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if let Some(scope) = self.scopes.iter().flatten().find(odd) {
            problems.push(format!("scopes: \"{scope}\" is not a scope; write one in each text"));
        }
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }

    fn complete_for(&mut self, issuer: &Url, problems: &mut Vec<String>) {
        let host = issuer.host_str().unwrap_or_default();
        if OKTA_DOMAINS.iter().any(|domain| host.ends_with(domain)) {
            self.groups_limit.get_or_insert(OKTA_GROUPS);
        }
        if ENTRA_HOSTS.contains(&host) && self.tenants.is_empty() {
            let tenant = issuer.path_segments().and_then(|mut parts| parts.next());
            match tenant.filter(|tenant| is_tenant(tenant)) {
                Some(tenant) => self.tenants = vec![tenant.to_owned()],
                None => problems.push(
                    "tenants: list the ids of the tenants that may log in, or write the id of the \
                    only one into the issuer; otherwise accounts of any tenant could log in"
                        .to_owned(),
                ),
            }
        }
        if let Some(odd) = self.tenants.iter().find(|tenant| !is_tenant(tenant)) {
            problems.push(format!(
                "tenants: \"{odd}\" is not the id of a tenant, which is a UUID in lower case"
            ));
        }
        if self.is_entra() && self.trust_email {
            problems.push(
                "trust_email: not for Microsoft Entra, whose tenants state any address; add the \
                optional claim xms_edov there"
                    .to_owned(),
            );
        }
    }
}

/// Parses an issuer identifier (OpenID Connect Discovery §3). HTTP is for loopback only.
fn issuer(text: &str) -> Result<Url, String> {
    if text.ends_with("/.well-known/openid-configuration") {
        return Err(format!(
            "issuer: \"{text}\" is the URL of a document; write it without \
            /.well-known/openid-configuration"
        ));
    }
    let url = Url::parse(text).map_err(|error| format!("issuer: \"{text}\" is no URL: {error}"))?;
    if !is_protected(&url) {
        return Err(format!("issuer: \"{text}\" must use https"));
    }
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if plain {
        Ok(url)
    } else {
        Err(format!("issuer: \"{text}\" must have no query, fragment or user information"))
    }
}

/// Returns `true` if requests to `url` cannot be read or changed on the way: by https, or on loopback.
#[must_use]
pub(crate) fn is_protected(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

/// Returns `true` if `text` is a UUID in lower case.
fn is_tenant(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || byte == b'-';
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(digit)
}
