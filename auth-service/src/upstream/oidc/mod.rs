//! Login with an OpenID provider: the relying party of OpenID Connect Core 1.0, with the code flow.
//!
//! - `discovery`, `keys`: the metadata and keys of the provider, cached by `cached`
//! - `authorization`, `token_endpoint`: the requests of a login and of a refresh
//! - `id_token`, `logout_token`: what makes a signed token of the provider acceptable
//! - `person`, `groups`: the facts in its claims
//! - `entra`: what differs at Microsoft Entra
//!
//! Nothing is fetched before the first login, so that a provider that is down stops no other one.

mod authorization;
mod cached;
mod checks;
mod discovery;
mod entra;
mod error;
mod groups;
mod http;
mod id_token;
mod keys;
mod logout_token;
mod person;
mod token_endpoint;

use std::{sync::Arc, time::Duration};

use oauth2::RedirectUrl;
use secrecy::SecretString;
use tokio::{sync::Semaphore, time::timeout};

pub use self::{
    authorization::{LoginRequest, LoginStart},
    error::OidcError,
    logout_token::Logout,
};
use self::{
    cached::Cached,
    discovery::Metadata,
    id_token::Expected,
    keys::{Keys, Signed},
    person::Person,
    token_endpoint::TokenEndpoint,
};
use super::{
    json::Object,
    provider_http::ProviderHttp,
    refresh_error::RefreshError,
    tokens::{TokenError, Tokens},
};
use crate::{
    config::OidcProvider,
    model::{Clock, ProviderName, ProviderToken, Sighting},
};

/// The maximum number of logins that are completed at one provider concurrently. It is limited
/// because an anonymous request can start a login and send an invented code.
const IN_FLIGHT: usize = 64;
/// The maximum time that a login waits for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);
/// A code that no provider issues, to check the credentials of this client.
const INVENTED_CODE: &str = "0000000000000000000a";

/// The client of one OpenID provider.
pub struct OidcClient {
    name: ProviderName,
    provider: OidcProvider,
    redirect: RedirectUrl,
    http: ProviderHttp,
    metadata: Cached<Metadata>,
    keys: Cached<Keys>,
    in_flight: Semaphore,
    clock: Arc<dyn Clock>,
}

/// The answer of a provider to a refresh.
///
/// The caller stores [`refresh_token`](Self::refresh_token) first, because the previous token may be
/// spent. Only then it asks [`OidcClient::facts`] for the rest.
#[derive(Debug)]
pub struct Renewed(Tokens);

impl Renewed {
    /// Returns the next refresh token, or `None` if the previous one remains valid.
    #[must_use]
    pub fn refresh_token(&self) -> Option<SecretString> {
        self.0.refresh_token()
    }
}

/// A summary of a provider's metadata, for diagnostics.
#[derive(Clone, Debug)]
pub struct OidcSummary {
    /// The issuer as discovery states it.
    pub issuer: String,
    /// The number of keys that can verify a signature.
    pub keys: usize,
    /// `true` if discovery lists the scope `offline_access`. With `None`, it lists no scopes.
    pub offline_access: Option<bool>,
    /// `true` if discovery lists the claim of the groups. With `None`, it lists no claims.
    pub groups: Option<bool>,
    /// `true` if discovery has a userinfo endpoint.
    pub userinfo: bool,
    /// `true` if the provider can send logout tokens.
    pub backchannel_logout: bool,
}

impl OidcClient {
    /// Creates the client of `provider` with the callback URL `redirect`. It sends no request.
    pub fn new(
        name: ProviderName,
        provider: OidcProvider,
        redirect: String,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OidcError> {
        let redirect = RedirectUrl::new(redirect)
            .map_err(|error| OidcError::Misconfigured(error.to_string()))?;
        Ok(Self {
            metadata: discovery::cache(&name),
            keys: keys::cache(&name),
            name,
            provider,
            redirect,
            http: ProviderHttp::new(http::MAX_BYTES),
            in_flight: Semaphore::new(IN_FLIGHT),
            clock,
        })
    }

    /// Returns the name of the provider.
    pub const fn name(&self) -> &ProviderName {
        &self.name
    }

    /// Starts a login. Returns the URL for the browser and the PKCE verifier for the callback.
    pub async fn start(&self, request: &LoginRequest<'_>) -> Result<LoginStart, OidcError> {
        let metadata = self.metadata().await?;
        authorization::start((&self.provider, &metadata), self.redirect.as_str(), request)
    }

    /// Checks the parameter `iss` of an authorization answer, also of one that reports an error
    /// (RFC 9207 §2.4). It must be present if the provider says that it sends it.
    pub async fn check_issuer(&self, iss: Option<&str>) -> Result<(), OidcError> {
        let metadata = self.metadata().await?;
        let wrong = OidcError::Invalid("the answer comes from another provider");
        match iss {
            None if metadata.sends_issuer => Err(OidcError::Invalid("the answer has no iss")),
            None => Ok(()),
            Some(iss) if iss == metadata.issuer => Ok(()),
            Some(iss)
                if self.provider.is_entra()
                    && entra::is_issuer_of_a_tenant(&self.provider, &metadata.issuer, iss) =>
            {
                Ok(())
            }
            Some(_) => Err(wrong),
        }
    }

    /// Redeems `code` and returns the facts about the person. `iss` is that of the authorization
    /// answer, and `verifier` that of the started login.
    pub async fn identify(
        &self,
        (code, iss): (&str, Option<&str>),
        verifier: &str,
    ) -> Result<Sighting, OidcError> {
        let turn = timeout(QUEUE_TIMEOUT, self.in_flight.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(OidcError::Busy)?;
        self.check_issuer(iss).await?;
        let metadata = self.metadata().await?;
        let tokens = self.token_endpoint(&metadata)?.redeem(code, verifier).await?;
        let Some(token) = tokens.id_token() else {
            return Err(OidcError::Invalid("the answer has no ID token"));
        };
        let nonce = authorization::nonce(verifier);
        let access_token = tokens.access_token();
        let expected = Expected { issuer: &metadata.issuer, nonce: Some(&nonce), access_token };
        let claims = self.id_token(token, &metadata, &expected).await?;
        let sighting = self.sighting(Some(&claims), &metadata, access_token).await?;
        let token = tokens.refresh_token().map(ProviderToken::of_refresh);
        Ok(Sighting { token, ..sighting })
    }

    /// Redeems a refresh token of the provider. The caller must not do so concurrently for one
    /// person: providers take a second use for theft, and end the session.
    pub async fn renew(&self, token: &SecretString) -> Result<Renewed, RefreshError> {
        let metadata = self.metadata().await?;
        let endpoint = self.token_endpoint(&metadata)?;
        Ok(Renewed(endpoint.refresh(token).await?))
    }

    /// Returns the facts about the person with the id `id`, as they are after a refresh.
    ///
    /// The answer may lack an ID token (OpenID Connect Core §12.2). The facts then come from
    /// userinfo. An answer about another account ends the access of this one.
    pub async fn facts(&self, renewed: Renewed, id: &str) -> Result<Sighting, RefreshError> {
        let metadata = self.metadata().await?;
        let access_token = renewed.0.access_token();
        let claims = match renewed.0.id_token() {
            Some(token) => {
                let expected = Expected { issuer: &metadata.issuer, nonce: None, access_token };
                Some(self.id_token(token, &metadata, &expected).await?)
            }
            None => None,
        };
        let sighting = self.sighting(claims.as_ref(), &metadata, access_token).await?;
        if sighting.id != id {
            return Err(RefreshError::Denied("the answer is about another account".to_owned()));
        }
        let token = renewed.refresh_token().map(ProviderToken::of_refresh);
        Ok(Sighting { token, ..sighting })
    }

    /// Checks a logout token, which anybody can send. The caller must accept each `jti` only once.
    pub async fn logout(&self, token: &str) -> Result<Logout, OidcError> {
        if token.len() > logout_token::MAX_BYTES {
            return Err(OidcError::Invalid("the logout token is too large"));
        }
        let metadata = self.metadata().await?;
        let signed = self.signed(token, &metadata).await?;
        logout_token::check(&signed, (&self.provider, &metadata.issuer), self.clock.now())
    }

    /// Returns a summary of the provider's metadata and keys.
    pub async fn summary(&self) -> Result<OidcSummary, OidcError> {
        let metadata = self.metadata().await?;
        let now = self.clock.now();
        let keys = keys::count((&self.keys, &self.http, &metadata.jwks_uri), now).await?;
        let claim = self.provider.groups.split('/').nth(1).unwrap_or_default();
        let lists = |list: &Option<Vec<String>>, wanted: &str| {
            list.as_ref().map(|list| list.iter().any(|one| one == wanted))
        };
        Ok(OidcSummary {
            issuer: metadata.issuer.clone(),
            keys,
            offline_access: lists(&metadata.scopes, "offline_access"),
            groups: lists(&metadata.claims, claim),
            userinfo: metadata.userinfo_endpoint.is_some(),
            backchannel_logout: metadata.backchannel_logout,
        })
    }

    /// Checks the client id and the secret with an invented code. Succeeds if the provider rejects
    /// only the code.
    pub async fn try_credentials(&self) -> Result<(), OidcError> {
        let metadata = self.metadata().await?;
        let verifier = oauth2::PkceCodeChallenge::new_random_sha256().1;
        let endpoint = self.token_endpoint(&metadata)?;
        let redeemed = endpoint.redeem(INVENTED_CODE, verifier.secret()).await;
        match redeemed.map_err(OidcError::from) {
            Ok(_) | Err(OidcError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, OidcError> {
        let fetch = discovery::fetch(&self.http, &self.provider);
        self.metadata.current(self.clock.now(), fetch).await
    }

    fn token_endpoint(&self, metadata: &Metadata) -> Result<TokenEndpoint<'_>, TokenError> {
        TokenEndpoint::new(&self.http, (&self.provider, metadata), &self.redirect)
    }

    async fn signed(&self, token: &str, metadata: &Metadata) -> Result<Signed, OidcError> {
        let source = (&self.keys, &self.http, metadata.jwks_uri.as_str());
        keys::verify(token, source, self.clock.now()).await
    }

    async fn id_token(
        &self,
        token: &str,
        metadata: &Metadata,
        expected: &Expected<'_>,
    ) -> Result<Object, OidcError> {
        let signed = self.signed(token, metadata).await?;
        id_token::check(signed, &self.provider, expected, self.clock.now())
    }

    /// Returns the facts in the claims of the ID token, and of userinfo if a wanted claim is absent.
    async fn sighting(
        &self,
        id_token: Option<&Object>,
        metadata: &Metadata,
        access_token: &str,
    ) -> Result<Sighting, OidcError> {
        let provider = &self.provider;
        let person = Person { provider, id_token, userinfo: None };
        let userinfo = match &metadata.userinfo_endpoint {
            Some(url) if id_token.is_none() || person.lacks_claims() => {
                Some(http::get(&self.http, url, Some(access_token)).await?.object)
            }
            _ => None,
        };
        if let (Some(token), Some(userinfo)) = (id_token, &userinfo)
            && token.text("sub") != userinfo.text("sub")
        {
            // Core §5.3.2: otherwise the claims of somebody else could be substituted.
            return Err(OidcError::Invalid("userinfo is about another person"));
        }
        Person { provider, id_token, userinfo: userinfo.as_ref() }.sighting(&self.name)
    }
}
