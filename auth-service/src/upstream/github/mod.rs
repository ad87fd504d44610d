//! Login with GitHub or a GitHub Enterprise Server, and later questions about the person.
//!
//! - `authorization`, `token_endpoint`: the authorization code grant (RFC 6749 §4.1) with PKCE, and
//!   the refresh of a token
//! - `api`: requests to the REST API with the token of one person
//! - `account`, `email`, `memberships`: the facts about that person
//! - `membership_answer`, `rate_limit`, `blocked_app`: what an answer about a membership means
//!
//! No token is logged.

mod account;
mod api;
mod authorization;
mod blocked_app;
mod email;
mod error;
mod membership_answer;
mod memberships;
mod rate_limit;
mod token_endpoint;

use std::{sync::Arc, time::Duration};

use oauth2::{PkceCodeChallenge, RedirectUrl};
use secrecy::SecretString;
use tokio::{sync::Semaphore, time::timeout};

pub use self::error::{Error as GithubError, Refusal, github_error};
use self::{
    account::Account,
    api::Api,
    authorization::Authorization,
    memberships::{Asking, Questions},
    token_endpoint::{TokenEndpoint, provider_token, refresh_error},
};
use super::{provider_http::ProviderHttp, refresh_error::RefreshError};
use crate::{
    config::GithubProvider,
    model::{Clock, Groups, ProviderName, ProviderToken, Sighting, WantedFacts},
};

/// The maximum number of logins that are completed at GitHub concurrently. It is limited because an
/// anonymous request can start a login and send an invented code.
const IN_FLIGHT: usize = 64;
/// The maximum time that a login waits for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);
/// The minimum time that an access token must still be valid, so that it lasts for all questions.
const MIN_VALIDITY: Duration = Duration::from_mins(1);
/// A code that GitHub does not issue, to check the credentials of the app.
const INVENTED_CODE: &str = "0000000000000000000a";

/// The client of an OAuth app of GitHub, or of a GitHub App that logs people in.
pub struct GitHub {
    name: ProviderName,
    authorization: Authorization,
    tokens: TokenEndpoint,
    /// The base URL of the REST API, without a slash at the end.
    api: String,
    /// `true` if the e-mail addresses are proven, or the operator vouches for them.
    believes_emails: bool,
    http: ProviderHttp,
    questions: Questions,
    in_flight: Semaphore,
    clock: Arc<dyn Clock>,
}

impl GitHub {
    /// Creates the client of the app in `provider`, with the callback URL `redirect`. It sends no
    /// request.
    pub fn new(
        name: ProviderName,
        provider: &GithubProvider,
        redirect: String,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, GithubError> {
        let redirect =
            RedirectUrl::new(redirect).map_err(|error| GithubError::Settings(error.to_string()))?;
        Ok(Self {
            name,
            authorization: Authorization::new(provider, redirect.clone())?,
            tokens: TokenEndpoint::new(provider, redirect)?,
            api: provider.api_url.as_str().trim_end_matches('/').to_owned(),
            believes_emails: email::are_believed(provider),
            http: ProviderHttp::new(api::MAX_BYTES),
            questions: Questions::new(provider),
            in_flight: Semaphore::new(IN_FLIGHT),
            clock,
        })
    }

    /// Returns the name of the provider.
    pub const fn name(&self) -> &ProviderName {
        &self.name
    }

    /// Returns the URL to which to redirect the browser, and the PKCE verifier for the callback.
    /// With `pick_account`, GitHub lets the person choose an account instead of using the current
    /// one. The URL asks for access to memberships only if `wanted` has any.
    #[must_use]
    pub fn authorize_url(
        &self,
        state: &str,
        pick_account: bool,
        wanted: &WantedFacts,
    ) -> (String, String) {
        self.authorization.url(state, pick_account, wanted)
    }

    /// Checks the client id and the secret with an invalid code. Succeeds if GitHub rejects only
    /// the code.
    pub async fn try_credentials(&self) -> Result<(), GithubError> {
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        let redeemed = self.tokens.redeem(&self.http, (INVENTED_CODE, verifier.secret())).await;
        match redeemed.map_err(GithubError::from) {
            Ok(_) | Err(GithubError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Redeems `code` and returns the facts about the person, with the token for later checks.
    pub async fn identify(
        &self,
        code: &str,
        verifier: &str,
        wanted: &WantedFacts,
    ) -> Result<Sighting, GithubError> {
        let turn = timeout(QUEUE_TIMEOUT, self.in_flight.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(GithubError::Busy)?;
        let asked = self.clock.now();
        let tokens = self.tokens.redeem(&self.http, (code, verifier)).await?;
        let token = provider_token(&tokens, asked);
        let access = tokens.access_token().to_owned().into();
        let api = self.api(&access);
        let account = Account::fetch(&api).await?;
        let sighting = self.sighting(&api, account, wanted).await;
        let sighting = sighting.map_err(|error| GithubError::Unavailable(error.0))?;
        Ok(Sighting { token: Some(token), ..sighting })
    }

    /// Redeems the refresh token if the access token has expired or is about to. Returns the next
    /// tokens, or `None` if the access token is still valid.
    ///
    /// The caller stores the next tokens first, because the previous ones are spent. It must not do
    /// this concurrently for one person.
    pub async fn renew(
        &self,
        token: &ProviderToken,
    ) -> Result<Option<ProviderToken>, RefreshError> {
        let now = self.clock.now();
        let lasts = |end| now.plus(MIN_VALIDITY) <= end;
        if token.access.is_some() && token.access_expires_at.is_none_or(lasts) {
            return Ok(None);
        }
        let Some(refresh) = &token.refresh else {
            return Err(RefreshError::NoAnswer("there is no token to ask with".to_owned()));
        };
        let tokens = self.tokens.refresh(&self.http, refresh).await.map_err(refresh_error)?;
        let mut next = provider_token(&tokens, now);
        if next.refresh.is_none() {
            next.refresh.clone_from(&token.refresh);
        }
        Ok(Some(next))
    }

    /// Returns the facts about the person with the id `id`, as they are now. An answer about another
    /// account ends the access of this one.
    pub async fn facts(
        &self,
        token: &ProviderToken,
        id: &str,
        wanted: &WantedFacts,
    ) -> Result<Sighting, RefreshError> {
        let Some(access) = &token.access else {
            return Err(RefreshError::NoAnswer("there is no token to ask with".to_owned()));
        };
        let api = self.api(access);
        let account = Account::fetch(&api).await?;
        if account.id.to_string() != id {
            return Err(RefreshError::Denied("the answer is about another account".to_owned()));
        }
        let sighting = self.sighting(&api, account, wanted).await;
        sighting.map_err(|error| RefreshError::NoAnswer(error.0))
    }

    fn api<'a>(&'a self, token: &'a SecretString) -> Api<'a> {
        Api { http: &self.http, base: &self.api, token }
    }

    /// Returns the facts about `account`. Fails if a rule needs the e-mail address, and it is open
    /// which one the person has.
    async fn sighting(
        &self,
        api: &Api<'_>,
        account: Account,
        wanted: &WantedFacts,
    ) -> Result<Sighting, email::NoAnswer> {
        let clock = self.clock.as_ref();
        let asking = Asking { questions: &self.questions, api, account: &account, clock };
        let email = async {
            if self.believes_emails { email::fetch(api, clock.now()).await } else { Ok(None) }
        };
        let (email, memberships) = tokio::join!(email, asking.memberships(wanted));
        let email = match email {
            Err(error) if wanted.email => return Err(error),
            Err(_) => None,
            Ok(email) => email,
        };
        Ok(Sighting {
            provider: self.name.clone(),
            id: account.id.to_string(),
            login: Some(account.login),
            display_name: account.name,
            email,
            groups: Groups::Known([].into()),
            memberships,
            sid: None,
            token: None,
        })
    }
}
