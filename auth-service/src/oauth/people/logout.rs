//! Logout tokens of a provider (OpenID Connect Back-Channel Logout 1.0).

use gateway_contract::audit::EventKind;

use super::{arrival::provider_session, check::Reason};
use crate::{
    model::{Fingerprint, SessionRecord},
    oauth::{Error, People},
    store,
    upstream::{OidcError, ProviderError},
};

/// The error of a logout request.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// There is no such provider.
    #[error("there is no such login provider")]
    NoProvider,
    /// The logout token is not valid, or was used before (§2.6).
    #[error("the logout token is invalid")]
    Invalid(#[source] OidcError),
    /// The logout could not be carried out. The provider may repeat it.
    #[error("the logout cannot be carried out now; try again")]
    Unavailable(#[source] Error),
}

impl From<Error> for LogoutError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}

impl From<store::Error> for LogoutError {
    fn from(error: store::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

impl People {
    /// Carries out the logout that the provider `name` announces.
    ///
    /// A token about a session ends the logins of that session here, and has the person checked: a logout at a
    /// desk must not end the access of agents (§2.7). A token about a person ends all their access.
    pub async fn backchannel_logout(&self, name: &str, token: &str) -> Result<(), LogoutError> {
        let provider = self.core.providers.get(name).ok_or(LogoutError::NoProvider)?;
        let logout = provider.logout(token).await.map_err(|error| match error {
            OidcError::Unavailable(_) | OidcError::Busy | OidcError::Misconfigured(_) => {
                LogoutError::Unavailable(Error::Provider(ProviderError::Oidc(error)))
            }
            error => LogoutError::Invalid(error),
        })?;
        let (people, now) = (&self.core.store.people, self.core.now());
        let used = Fingerprint::of(&format!("{name}\n{}", logout.jti));
        if !people.spend_logout_token(&used, (now, logout.expires_at)).await? {
            return Err(LogoutError::Invalid(OidcError::Invalid("the token was used before")));
        }
        let done = self.log_out(name, logout.id.as_deref(), logout.sid.as_deref()).await;
        if done.is_err() {
            // The provider may repeat the request.
            people.unspend_logout_token(&used).await?;
        }
        done
    }

    async fn log_out(
        &self,
        name: &str,
        id: Option<&str>,
        sid: Option<&str>,
    ) -> Result<(), LogoutError> {
        let session = sid.map(|sid| provider_session(name, sid));
        let subject = match (id, &session) {
            (Some(id), _) => Some(format!("{name}:{id}")),
            (None, Some(session)) => self.core.store.people.person_of_session(session).await?,
            (None, None) => None,
        };
        // A session that was never seen here.
        let Some(subject) = subject else { return Ok(()) };
        let Some(session) = session else {
            self.end_access(&subject, "the person has logged out").await?;
            return Ok(());
        };
        let entry = |record: &SessionRecord| {
            let ended = self.core.draft(EventKind::LoginEnded).actor(&record.user);
            self.core.entry(ended.reason("logged out at the provider"))
        };
        let logins = &self.core.store.logins;
        let ended = logins.end_sessions(&subject, &session, self.core.now(), entry).await?;
        log::info!(target: "audit", subject, sessions = ended; "logged out by the login provider");
        self.check(&subject, Reason::Announced).await?;
        Ok(())
    }
}
