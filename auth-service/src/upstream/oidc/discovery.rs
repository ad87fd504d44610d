//! The metadata of a provider (OpenID Connect Discovery §3, §4).

use std::time::Duration;

use url::Url;

use super::{
    super::{json::Object, provider_http::ProviderHttp},
    cached::{Cached, Fetched, Lifetimes},
    entra::is_template_of,
    error::OidcError,
    http::get,
};
use crate::{
    config::{OidcProvider, is_protected},
    model::ProviderName,
};

const HOUR: Duration = Duration::from_hours(1);
/// The time that the last metadata remains usable while the provider does not answer. Endpoints
/// rarely move, and the keys have a limit of their own.
const STALE: Duration = Duration::from_hours(24);
/// The maximum length of a foreign issuer in a message.
const MAX_SHOWN: usize = 200;

/// The metadata of a provider, of which only what the client uses is kept.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) prompts: Option<Vec<String>>,
    pub(super) claims: Option<Vec<String>>,
    pub(super) auth_methods: Option<Vec<String>>,
    /// `true` if authorization answers have the parameter `iss` (RFC 9207 §3).
    pub(super) sends_issuer: bool,
    pub(super) backchannel_logout: bool,
}

/// Creates the cache of the metadata, which is read at the first use and then hourly.
pub(super) fn cache(provider: &ProviderName) -> Cached<Metadata> {
    let name = format!("discovery document of the provider {provider}");
    Cached::new(name, Lifetimes { fresh: (HOUR, HOUR), stale: STALE })
}

/// Fetches the metadata of `provider`.
pub(super) async fn fetch(
    http: &ProviderHttp,
    provider: &OidcProvider,
) -> Result<Fetched<Metadata>, OidcError> {
    // Discovery §4: a trailing slash of the issuer is removed before appending.
    let base = provider.issuer.strip_suffix('/').unwrap_or(&provider.issuer);
    let url = format!("{base}/.well-known/openid-configuration");
    let document = get(http, &url, None).await?;
    Ok((read(&document.object, provider)?, HOUR))
}

fn read(document: &Object, provider: &OidcProvider) -> Result<Metadata, OidcError> {
    let misconfigured = |why: String| Err(OidcError::Misconfigured(why));
    let Some(issuer) = document.text("issuer") else {
        return misconfigured("the discovery document has no issuer".to_owned());
    };
    let configured = &provider.issuer;
    let is_template = provider.is_entra() && is_template_of(issuer, configured);
    if issuer != configured && !is_template {
        let slash = issuer.trim_end_matches('/') == configured.trim_end_matches('/');
        let hint = if slash { ", which differs by a slash" } else { "" };
        let stated: String = issuer.escape_debug().take(MAX_SHOWN).collect();
        return misconfigured(format!(
            "the issuer is configured as \"{configured}\", and discovery states \"{stated}\"{hint}; \
            write it as discovery does"
        ));
    }
    let optional = |name: &str| match document.text(name) {
        None => Ok(None),
        Some(text) => match Url::parse(text) {
            Ok(url) if is_protected(&url) => Ok(Some(text.to_owned())),
            _ => Err(OidcError::Misconfigured(format!(
                "{name} of the discovery document must be an https URL"
            ))),
        },
    };
    let required = |name: &str| {
        optional(name)?.ok_or_else(|| {
            OidcError::Misconfigured(format!("the discovery document has no {name}"))
        })
    };
    let list = |name: &str| {
        let texts = document.texts(name)?;
        Some(texts.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    Ok(Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: required("authorization_endpoint")?,
        token_endpoint: required("token_endpoint")?,
        jwks_uri: required("jwks_uri")?,
        userinfo_endpoint: optional("userinfo_endpoint")?,
        scopes: list("scopes_supported"),
        prompts: list("prompt_values_supported"),
        claims: list("claims_supported"),
        auth_methods: list("token_endpoint_auth_methods_supported"),
        sends_issuer: document.is_true("authorization_response_iss_parameter_supported"),
        backchannel_logout: document.is_true("backchannel_logout_supported"),
    })
}

impl Metadata {
    /// Returns `true` if the provider states that it knows `scope`, or states nothing about scopes.
    pub(super) fn may_know_scope(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|known| known == scope))
    }

    /// Returns `true` if the provider states that it knows `scope`.
    pub(super) fn knows_scope(&self, scope: &str) -> bool {
        self.scopes.is_some() && self.may_know_scope(scope)
    }
}
