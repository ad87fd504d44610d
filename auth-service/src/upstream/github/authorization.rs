//! The authorization request (RFC 6749 §4.1.1) with PKCE (RFC 7636).

use oauth2::{
    AuthUrl, ClientId, CsrfToken, EndpointSet, PkceCodeChallenge, RedirectUrl, Scope,
    basic::BasicClient,
};

use super::error::Error;
use crate::{config::GithubProvider, model::WantedFacts};

/// The scopes of each login: the account and its e-mail addresses.
const SCOPES: [&str; 2] = ["read:user", "user:email"];
/// The scope that permits questions about organizations and teams. A GitHub App has permissions
/// instead, and ignores scopes.
const MEMBERSHIPS: &str = "read:org";

/// The authorization endpoint of GitHub.
pub(super) struct Authorization(BasicClient<EndpointSet>);

impl Authorization {
    /// Creates the endpoint, with the callback URL `redirect`.
    pub(super) fn new(provider: &GithubProvider, redirect: RedirectUrl) -> Result<Self, Error> {
        let base = provider.base_url.as_str().trim_end_matches('/');
        let url = AuthUrl::new(format!("{base}/login/oauth/authorize"))
            .map_err(|error| Error::Settings(error.to_string()))?;
        let client = BasicClient::new(ClientId::new(provider.client_id.clone()));
        Ok(Self(client.set_auth_uri(url).set_redirect_uri(redirect)))
    }

    /// Returns the URL for the browser, and the PKCE verifier.
    pub(super) fn url(
        &self,
        state: &str,
        pick_account: bool,
        wanted: &WantedFacts,
    ) -> (String, String) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let asks = !wanted.orgs.is_empty() || !wanted.teams.is_empty();
        let scopes = SCOPES.into_iter().chain(asks.then_some(MEMBERSHIPS));
        let mut request = self
            .0
            .authorize_url(|| CsrfToken::new(state.to_owned()))
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge);
        if pick_account {
            request = request.add_extra_param("prompt", "select_account");
        }
        let (url, _) = request.url();
        (url.into(), verifier.into_secret())
    }
}
