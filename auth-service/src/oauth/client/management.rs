//! Client configuration endpoint: a client manages its own registration (RFC 7592).

use gateway_contract::audit::EventKind;
use serde::de::IgnoredAny;

use crate::{
    model::{Caller, Client, ClientId, ClientSecret, RegistrationToken},
    oauth::{Clients, Error, Registered},
};

impl Clients {
    /// Returns the current registration (RFC 7592 §2.1).
    pub async fn read_registration(
        &self,
        id: &ClientId,
        token: &RegistrationToken,
    ) -> Result<Registered, Error> {
        let client = self.managed(id, token).await?;
        Ok(self.registered(client, None, Some(token)))
    }

    /// Replaces the client metadata (RFC 7592 §2.2). Omitted members are deleted.
    pub async fn update_registration(
        &self,
        id: &ClientId,
        token: &RegistrationToken,
        body: &[u8],
        caller: &Caller,
    ) -> Result<Registered, Error> {
        let client = self.managed(id, token).await?;
        let named: Named = serde_json::from_slice(body)
            .map_err(|_| Error::InvalidClientMetadata("the body must contain client_id".into()))?;
        if named.has_what_only_answers_have() {
            return Err(Error::InvalidClientMetadata(
                "an update must not include registration_access_token, registration_client_uri, \
                client_secret_expires_at or client_id_issued_at"
                    .into(),
            ));
        }
        // "MUST include the client_id … and it MUST be the same".
        if named.client_id != *id {
            return Err(Error::InvalidClientMetadata("client_id does not match the URL".into()));
        }
        // "the value MUST match": a client cannot choose its secret.
        if let Some(secret) = named.client_secret {
            let presented = ClientSecret::presented(secret).fingerprint();
            if !client.secret.as_ref().is_some_and(|stored| stored.matches(&presented)) {
                let why = "client_secret does not match the issued secret";
                return Err(Error::InvalidClientMetadata(why.into()));
            }
        }
        let metadata = self.registrable(body)?;
        let fresh = ClientSecret::generate()?;
        let updated = Client { metadata: metadata.clone(), ..client };
        let replaced = |client: Client| {
            let secret = match client.secret.clone() {
                _ if !metadata.token_endpoint_auth_method.has_secret() => None,
                None => Some(fresh.fingerprint()),
                kept => kept,
            };
            let metadata = metadata.clone();
            manages(&client, token).then_some(Client { secret, metadata, ..client })
        };
        let updated = self.core.draft_of_client(EventKind::ClientUpdated, &updated);
        let entry = self.core.entry(updated.from(caller));
        let (clients, now) = (&self.core.store.clients, self.core.now());
        let client = clients.change_client(id, now, replaced, entry.as_ref()).await?;
        let client = client.ok_or(Error::InvalidToken)?;
        let issued = client.secret == Some(fresh.fingerprint());
        Ok(self.registered(client, issued.then_some(&fresh), Some(token)))
    }

    /// Deletes the registration and revokes all grants of the client (RFC 7592 §2.3).
    pub async fn delete_registration(
        &self,
        id: &ClientId,
        token: &RegistrationToken,
        caller: &Caller,
    ) -> Result<(), Error> {
        let client = self.managed(id, token).await?;
        let deleted = self.core.draft_of_client(EventKind::ClientDeleted, &client).from(caller);
        let deleted = self.core.entry(deleted);
        if client.unused {
            self.core.store.clients.delete_unused_client(id, deleted.as_ref()).await?;
        } else {
            let revoked = self.core.draft_of_client(EventKind::GrantsRevoked, &client);
            let revoked = self.core.entry(revoked.reason("client deleted").from(caller));
            let (maintenance, now) = (&self.core.store.maintenance, self.core.now());
            let entries = (revoked.as_ref(), deleted.as_ref());
            Box::pin(maintenance.delete_client(id, now, entries)).await?;
        }
        log::info!(target: "audit", client:% = id; "client deleted its registration");
        Ok(())
    }

    /// Returns the client if `token` is its registration access token.
    ///
    /// Unknown clients and wrong tokens cause the same error (RFC 7592 §2.1: 401 for both).
    async fn managed(&self, id: &ClientId, token: &RegistrationToken) -> Result<Client, Error> {
        let client = self.core.store.clients.client(id, self.core.now()).await?;
        client.filter(|client| manages(client, token)).ok_or(Error::InvalidToken)
    }
}

fn manages(client: &Client, token: &RegistrationToken) -> bool {
    let stored = client.registration_token.as_ref();
    stored.is_some_and(|stored| stored.matches(&token.fingerprint()))
}

#[derive(serde::Deserialize)]
struct Named {
    client_id: ClientId,
    client_secret: Option<String>,
    registration_access_token: Option<IgnoredAny>,
    registration_client_uri: Option<IgnoredAny>,
    client_secret_expires_at: Option<IgnoredAny>,
    client_id_issued_at: Option<IgnoredAny>,
}

impl Named {
    /// Returns `true` if a member is present that only the server sets.
    ///
    /// RFC 7592 §2.2: "The client MUST NOT include" these.
    const fn has_what_only_answers_have(&self) -> bool {
        self.registration_access_token.is_some()
            || self.registration_client_uri.is_some()
            || self.client_secret_expires_at.is_some()
            || self.client_id_issued_at.is_some()
    }
}
