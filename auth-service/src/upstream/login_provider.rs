//! The login providers behind one interface.

use std::{collections::BTreeMap, sync::Arc};

use secrecy::SecretString;

use super::{
    github::{GitHub, GithubError, github_error},
    oidc::{LoginRequest, LoginStart, Logout, OidcClient, OidcError, Renewed as RenewedOidc},
    refresh_error::RefreshError,
};
use crate::{
    config::{Provider, ProviderKind},
    model::{Clock, Prompt, ProviderName, ProviderToken, Sighting, WantedFacts},
};

/// The error of a login at a provider.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The error of GitHub.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// The error of an OpenID provider.
    #[error(transparent)]
    Oidc(#[from] OidcError),
}

/// The party that can correct a failed login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The person, with the message for them.
    Person(&'static str),
    /// The operator, who finds the cause in the log.
    Operator,
    /// The provider, which does not answer as it should.
    Provider,
}

impl ProviderError {
    /// Returns the party that can correct the error.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Github(GithubError::Refused(refusal)) => Blame::Person(refusal.told()),
            Self::Oidc(OidcError::Refused(_)) => {
                Blame::Person("the login provider rejected the login; log in again")
            }
            Self::Oidc(OidcError::Invalid(_)) => {
                Blame::Person("the answer of the login provider failed a check; log in again")
            }
            Self::Github(GithubError::Misconfigured(_) | GithubError::Settings(_))
            | Self::Oidc(OidcError::Misconfigured(_)) => Blame::Operator,
            Self::Github(GithubError::Unavailable(_) | GithubError::Busy)
            | Self::Oidc(OidcError::Unavailable(_) | OidcError::Busy) => Blame::Provider,
        }
    }
}

/// The client of one login provider.
pub struct LoginProvider {
    name: ProviderName,
    title: String,
    /// The issuer of an OpenID provider, or the URL of a GitHub.
    origin: String,
    client: Client,
}

enum Client {
    Github(Box<GitHub>),
    Oidc(Box<OidcClient>),
}

/// The login providers by name.
#[derive(Default)]
pub struct LoginProviders(BTreeMap<ProviderName, LoginProvider>);

/// The state after a provider has confirmed its token for a person, before the facts are asked for.
pub struct RenewedToken(Renewal);

enum Renewal {
    Oidc(RenewedOidc),
    Github {
        /// The token for the question about the facts.
        current: ProviderToken,
        is_new: bool,
    },
}

impl RenewedToken {
    /// Returns the token to store before anything else is asked, or `None` if the previous one remains valid.
    #[must_use]
    pub fn next(&self) -> Option<ProviderToken> {
        match &self.0 {
            Renewal::Oidc(renewed) => renewed.refresh_token().map(ProviderToken::of_refresh),
            Renewal::Github { current, is_new } => is_new.then(|| current.clone()),
        }
    }
}

impl LoginProviders {
    /// Creates the clients of `providers`. `callback` returns the callback URL of a provider.
    pub fn new(
        providers: &[Provider],
        callback: impl Fn(&ProviderName) -> String,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ProviderError> {
        let client = |provider: &Provider| {
            let (name, redirect) = (provider.name.clone(), callback(&provider.name));
            let clock = Arc::clone(clock);
            let (origin, client) = match &provider.kind {
                ProviderKind::Github(github) => (
                    github.base_url.to_string(),
                    Client::Github(Box::new(GitHub::new(name, github, redirect, clock)?)),
                ),
                ProviderKind::Oidc(oidc) => (
                    oidc.issuer.clone(),
                    Client::Oidc(Box::new(OidcClient::new(
                        name,
                        (**oidc).clone(),
                        redirect,
                        clock,
                    )?)),
                ),
            };
            let (name, title) = (provider.name.clone(), provider.title.clone());
            let provider_client = LoginProvider { name, title, origin, client };
            Ok((provider.name.clone(), provider_client))
        };
        Ok(Self(providers.iter().map(client).collect::<Result<_, ProviderError>>()?))
    }

    /// Returns the provider `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&LoginProvider> {
        self.0.iter().find(|(known, _)| known.as_str() == name).map(|(_, provider)| provider)
    }

    /// Returns the names and titles of all providers: GitHub first, then by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ProviderName, &LoginProvider)> {
        let is_github = |name: &ProviderName| *name == ProviderName::github();
        let first = self.0.iter().filter(move |(name, _)| is_github(name));
        first.chain(self.0.iter().filter(move |(name, _)| !is_github(name)))
    }
}

impl LoginProvider {
    /// Returns the name in subjects and in the callback URL.
    #[must_use]
    pub const fn name(&self) -> &ProviderName {
        &self.name
    }

    /// Returns the name for people, as on the login button.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the issuer of an OpenID provider, or the URL of a GitHub.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Starts a login. Returns the URL for the browser and the PKCE verifier for the callback.
    pub async fn start(
        &self,
        state: &str,
        prompt: Prompt,
        wanted: &WantedFacts,
    ) -> Result<LoginStart, ProviderError> {
        match &self.client {
            Client::Github(github) => {
                let picks = matches!(prompt, Prompt::SelectAccount | Prompt::Login);
                let (url, verifier) = github.authorize_url(state, picks, wanted);
                Ok(LoginStart { url, verifier })
            }
            Client::Oidc(oidc) => {
                let request = LoginRequest { state, prompt, offline: !wanted.is_empty() };
                Ok(oidc.start(&request).await?)
            }
        }
    }

    /// Checks that an authorization answer comes from this provider, also one that reports an error (RFC 9207
    /// §2.4). GitHub sends no issuer; a wrong one is refused.
    pub async fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderError> {
        match (&self.client, iss) {
            (Client::Oidc(oidc), iss) => Ok(oidc.check_issuer(iss).await?),
            (Client::Github(_), None) => Ok(()),
            (Client::Github(_), Some(iss)) => {
                let same = iss.trim_end_matches('/') == self.origin.trim_end_matches('/')
                    || iss
                        .starts_with(&format!("{}/login/oauth", self.origin.trim_end_matches('/')));
                let wrong = OidcError::Invalid("the answer comes from another provider");
                if same { Ok(()) } else { Err(wrong.into()) }
            }
        }
    }

    /// Returns the error for the error code of an authorization answer, which is untrusted text.
    #[must_use]
    pub fn answer_error(&self, code: &str) -> ProviderError {
        match &self.client {
            Client::Github(_) => github_error(code).into(),
            Client::Oidc(_) => OidcError::of_answer(code).into(),
        }
    }

    /// Redeems `code` and returns the facts about the person.
    pub async fn identify(
        &self,
        (code, iss): (&str, Option<&str>),
        verifier: &str,
        wanted: &WantedFacts,
    ) -> Result<Sighting, ProviderError> {
        match &self.client {
            Client::Github(github) => Ok(github.identify(code, verifier, wanted).await?),
            Client::Oidc(oidc) => Ok(oidc.identify((code, iss), verifier).await?),
        }
    }

    /// Renews the token of a person. The caller must not do so concurrently for one person, and stores
    /// [`RenewedToken::next`] before it calls [`Self::facts`].
    pub async fn renew(&self, token: ProviderToken) -> Result<RenewedToken, RefreshError> {
        let renewal = match &self.client {
            Client::Github(github) => match github.renew(&token).await? {
                Some(next) => Renewal::Github { current: next, is_new: true },
                None => Renewal::Github { current: token, is_new: false },
            },
            Client::Oidc(oidc) => {
                let refresh: Option<SecretString> = token.refresh;
                let Some(refresh) = refresh else {
                    return Err(RefreshError::Misconfigured(
                        "there is no refresh token".to_owned(),
                    ));
                };
                Renewal::Oidc(oidc.renew(&refresh).await?)
            }
        };
        Ok(RenewedToken(renewal))
    }

    /// Returns the facts about the person with the id `id`, after their token was renewed.
    pub async fn facts(
        &self,
        renewed: RenewedToken,
        id: &str,
        wanted: &WantedFacts,
    ) -> Result<Sighting, RefreshError> {
        match (&self.client, renewed.0) {
            (Client::Github(github), Renewal::Github { current, .. }) => {
                github.facts(&current, id, wanted).await
            }
            (Client::Oidc(oidc), Renewal::Oidc(renewed)) => oidc.facts(renewed, id).await,
            _ => Err(RefreshError::Misconfigured("the provider is of another kind now".to_owned())),
        }
    }

    /// Checks a logout token (OpenID Connect Back-Channel Logout §2.6). GitHub sends none.
    pub async fn logout(&self, token: &str) -> Result<Logout, OidcError> {
        match &self.client {
            Client::Oidc(oidc) => oidc.logout(token).await,
            Client::Github(_) => Err(OidcError::Invalid("this provider sends no logout tokens")),
        }
    }
}
