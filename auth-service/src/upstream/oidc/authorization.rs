//! The authorization request at a provider (OpenID Connect Core §3.1.2.1).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth2::PkceCodeChallenge;
use url::Url;

use super::{discovery::Metadata, error::OidcError};
use crate::{
    config::{OfflineAccess, OidcProvider},
    model::Prompt,
};

/// The scopes that are requested if the settings name none and the provider knows them.
const USUAL_SCOPES: [&str; 2] = ["profile", "email"];
/// The issuer of Google, which has a parameter instead of the scope `offline_access`.
const GOOGLE: &str = "https://accounts.google.com";
/// Separates nonces from other hashes of a verifier.
const NONCE: &[u8] = b"nonce of an OpenID Connect login\n";

/// A login that begins.
#[derive(Clone, Copy, Debug)]
pub struct LoginRequest<'a> {
    /// The `state` that the provider returns.
    pub state: &'a str,
    /// The prompt that our client or the person asked for.
    pub prompt: Prompt,
    /// `true` if facts must be checked later without the person, which needs a refresh token.
    pub offline: bool,
}

/// A started login: where to send the browser, and what the callback needs.
#[derive(Clone, Debug)]
pub struct LoginStart {
    /// The URL to which to redirect the browser.
    pub url: String,
    /// The PKCE verifier, which also determines the nonce.
    pub verifier: String,
}

/// Returns the nonce of the login with this PKCE verifier.
///
/// It is derived, so that the pending authorization has to keep only one secret of the login.
pub(super) fn nonce(verifier: &str) -> String {
    let hash = digest(&SHA256, &[NONCE, verifier.as_bytes()].concat());
    BASE64_URL_SAFE_NO_PAD.encode(hash.as_ref())
}

/// Starts a login: builds the URL of the authorization request.
pub(super) fn start(
    (provider, metadata): (&OidcProvider, &Metadata),
    redirect: &str,
    request: &LoginRequest<'_>,
) -> Result<LoginStart, OidcError> {
    let mut url = Url::parse(&metadata.authorization_endpoint)
        .map_err(|error| OidcError::Misconfigured(error.to_string()))?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let offline = request.offline && provider.offline_access != OfflineAccess::Never;
    let google = provider.issuer == GOOGLE;
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", redirect)
        .append_pair("scope", &scopes(provider, metadata, offline && !google))
        .append_pair("state", request.state)
        .append_pair("nonce", &nonce(verifier.secret()))
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", "S256");
    if let Some(domain) = &provider.hosted_domain {
        query.append_pair("hd", domain);
    }
    if offline && google && !provider.authorize.contains_key("access_type") {
        query.append_pair("access_type", "offline");
    }
    let prompts = prompts(provider, metadata, (request.prompt, offline));
    if !prompts.is_empty() {
        query.append_pair("prompt", &prompts);
    }
    for (name, value) in provider.authorize.iter().filter(|(name, _)| *name != "prompt") {
        query.append_pair(name, value);
    }
    drop(query);
    Ok(LoginStart { url: url.into(), verifier: verifier.into_secret() })
}

fn scopes(provider: &OidcProvider, metadata: &Metadata, offline: bool) -> String {
    let mut scopes = vec!["openid"];
    if let Some(named) = &provider.scopes {
        scopes.extend(named.iter().map(String::as_str));
    } else {
        scopes.extend(USUAL_SCOPES.into_iter().filter(|scope| metadata.may_know_scope(scope)));
        // Many providers reject scopes that they do not know.
        scopes.extend(["groups"].into_iter().filter(|scope| metadata.knows_scope(scope)));
    }
    if offline && metadata.may_know_scope("offline_access") {
        scopes.push("offline_access");
    }
    unique(scopes)
}

fn prompts(
    provider: &OidcProvider,
    metadata: &Metadata,
    (wanted, offline): (Prompt, bool),
) -> String {
    let always = provider.authorize.get("prompt").map_or("", String::as_str);
    let mut prompts: Vec<&str> = always.split_ascii_whitespace().collect();
    if offline && provider.offline_access == OfflineAccess::Consent {
        prompts.push("consent");
    }
    match wanted {
        Prompt::Login => prompts.push("login"),
        Prompt::SelectAccount => prompts.push("select_account"),
        // Our own consent page is shown in any case, and a login without pages is not possible.
        Prompt::Needed | Prompt::Consent | Prompt::None => {}
    }
    if let Some(known) = &metadata.prompts {
        prompts.retain(|prompt| known.iter().any(|one| one == prompt));
    }
    unique(prompts)
}

fn unique(words: Vec<&str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    seen.join(" ")
}
