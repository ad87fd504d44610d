//! The facts of a login at a provider.

use crate::{
    model::{ClientId, FactsRecord, Fingerprint, Sighting, User},
    oauth::{Core, Error, People},
    upstream::{LoginProvider, OidcError, ProviderError},
};

/// A person who has just logged in.
#[derive(Clone, Debug)]
pub(in crate::oauth) struct Arrival {
    pub(in crate::oauth) user: User,
    /// The login session at the provider, which a logout token may name.
    pub(in crate::oauth) provider_session: Option<Fingerprint>,
}

impl From<User> for Arrival {
    fn from(user: User) -> Self {
        Self { user, provider_session: None }
    }
}

/// Returns the fingerprint of the login session `sid` at a provider.
pub(super) fn provider_session(provider: &str, sid: &str) -> Fingerprint {
    Fingerprint::of(&format!("session at {provider}\n{sid}"))
}

impl Core {
    /// Returns the login provider `name`.
    pub(in crate::oauth) fn provider(&self, name: &str) -> Result<&LoginProvider, Error> {
        let denied = Error::AccessDenied("this login provider is not configured");
        self.providers.get(name).ok_or(denied)
    }
}

impl People {
    /// Fails if the provider `name` was another one at its first login. Its people would get the access of
    /// others with the same ids.
    pub(in crate::oauth) async fn check_origin(
        &self,
        name: &str,
        provider: &LoginProvider,
    ) -> Result<(), Error> {
        let noted = self.core.store.people.issuer(name).await?;
        let Some(noted) = noted.filter(|noted| noted != provider.origin()) else { return Ok(()) };
        let why = format!(
            "the provider {name} was {noted} before, and is {} now; give it another name, or end the access \
             of its people with `auth-service provider forget {name}`",
            provider.origin()
        );
        Err(Error::ProviderSetup(ProviderError::Oidc(OidcError::Misconfigured(why))))
    }

    /// Checks all providers like [`Self::check_origin`]. A store that does not answer is no reason not to start.
    pub async fn check_origins(&self) -> Result<(), Error> {
        for (name, provider) in self.core.providers.iter() {
            match self.check_origin(name.as_str(), provider).await {
                Err(Error::Store(error)) => {
                    log::warn!("the issuers of the login providers were not checked: {error}");
                    return Ok(());
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Records what a provider stated at a login. Of a person who may not log in, nothing is stored, but what is
    /// stored already is replaced.
    pub(in crate::oauth) async fn note_login(
        &self,
        sighting: &Sighting,
        client: Option<&ClientId>,
    ) -> Result<Arrival, Error> {
        let (provider, now) = (sighting.provider.as_str(), self.core.now());
        let (access, people) = (self.core.access(), &self.core.store.people);
        let user = user_of(sighting);
        let session = sighting.sid.as_deref().map(|sid| provider_session(provider, sid));
        let arrival = Arrival { user: user.clone(), provider_session: session };
        let end = now.plus(self.core.config.lifetimes.refresh_token);
        let token = sighting.token.as_ref().filter(|_| !access.wanted(provider).is_empty());
        let record = FactsRecord::of(sighting, token.is_some(), (now, end));
        let terms = (now, &self.core.config.facts);
        let known = access.known(user.person(), client.map(ClientId::as_str), Some(&record), terms);
        let may_log_in = access.may_log_in(&known.facts);
        if !may_log_in && people.facts(&user.subject, now).await?.is_none() {
            return Ok(arrival);
        }
        people.note_issuer(provider, self.core.provider(provider)?.origin()).await?;
        // First the token: facts that are renewable must have one.
        if let Some(token) = token {
            let sealed = self.core.provider_seal.close(token)?;
            people.put_provider_token(&user.subject, &sealed, (now, end)).await?;
        }
        people.put_facts(&record, now).await?;
        if record.renewable {
            people.schedule(&[&user.subject], self.next_check(now)).await?;
        }
        if let Some(session) = &arrival.provider_session {
            people.put_provider_session(session, &user.subject, (now, end)).await?;
        }
        self.end_what_is_not_allowed(&user.subject).await?;
        Ok(arrival)
    }
}

/// Returns the person of a sighting. The name is the login name, or what else names the person best.
fn user_of(sighting: &Sighting) -> User {
    let names = [&sighting.login, &sighting.display_name, &sighting.email];
    let name = names.into_iter().flatten().next().unwrap_or(&sighting.id);
    User { subject: sighting.subject(), name: name.clone(), email: sighting.email.clone() }
}
