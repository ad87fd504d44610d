//! Dynamic client registration (RFC 7591).

use std::time::Duration;

use gateway_contract::audit::EventKind;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::{id_document::is_document, metadata};
use crate::{
    model::{
        AuthMethod, Caller, Client, ClientId, ClientMetadata, ClientSecret, Fingerprint,
        PendingAuthorization, RegistrationToken, UnixTime,
    },
    oauth::{Clients, Endpoint, Error},
    store,
};

/// The period in which identical registrations of public clients share one client id.
const SAME: Duration = Duration::from_mins(10);

/// The client information response (RFC 7591 §3.2.1, RFC 7592 §3).
///
/// Absent members are omitted, because clients reject `null`.
#[derive(Debug, Serialize)]
pub struct Registered {
    client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    client_id_issued_at: UnixTime,
    /// "REQUIRED if `client_secret` is issued". 0 means that the secret lives as long as the
    /// registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_client_uri: Option<String>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

impl Clients {
    /// Registers a client with the JSON metadata in `body`.
    ///
    /// `token` must be the initial access token, if the operator requires one (RFC 7591 §3).
    pub async fn register(
        &self,
        token: Option<&str>,
        body: &[u8],
        caller: &Caller,
    ) -> Result<Registered, Error> {
        if let Some(expected) = &self.core.config.clients.registration_token {
            let expected = Fingerprint::of(expected.expose_secret());
            if !token.is_some_and(|token| expected.matches(&Fingerprint::of(token))) {
                return Err(Error::InvalidToken);
            }
        }
        let metadata = self.registrable(body)?;
        if metadata.token_endpoint_auth_method == AuthMethod::None {
            return self.register_public(metadata, caller).await;
        }
        let method = metadata.token_endpoint_auth_method;
        let secret = method.has_secret().then(ClientSecret::generate).transpose()?;
        let (client, token) = self.create(metadata, secret.as_ref(), caller).await?;
        Ok(self.registered(client, secret.as_ref(), Some(&token)))
    }

    /// Registers a public client, or returns the recent registration of an identical one.
    ///
    /// All installations of a client send the same metadata, and some register at each start. A shared
    /// registration belongs to no single client, so the first repeat removes its registration access
    /// token.
    async fn register_public(
        &self,
        metadata: ClientMetadata,
        caller: &Caller,
    ) -> Result<Registered, Error> {
        let text = serde_json::to_string(&metadata).map_err(store::Error::from)?;
        let same = Fingerprint::of(&text);
        let mut gone = None;
        if let Some(id) = self.core.store.clients.same_registration(&same).await? {
            if let Some(client) = self.share(&id, &metadata).await? {
                return Ok(self.registered(client, None, None));
            }
            gone = Some(id);
        }
        let (client, token) = self.create(metadata, None, caller).await?;
        // Concurrent requests store their clients first and then agree on one of them.
        loop {
            let claim = (&client.id, SAME.as_secs());
            let named =
                self.core.store.clients.claim_registration(&same, claim, gone.as_ref()).await?;
            if named == client.id {
                return Ok(self.registered(client, None, Some(&token)));
            }
            if let Some(shared) = self.share(&named, &client.metadata).await? {
                let deleted = self.core.draft_of_client(EventKind::ClientDeleted, &client);
                let deleted = self.core.entry(deleted.reason("shared").from(caller));
                self.core.store.clients.forget_client(&client.id, deleted.as_ref()).await?;
                return Ok(self.registered(shared, None, None));
            }
            gone = Some(named);
        }
    }

    /// Shares the registration `id` with another client.
    ///
    /// Returns `None` if the registration is too old, or if its metadata is no longer `metadata`.
    async fn share(
        &self,
        id: &ClientId,
        metadata: &ClientMetadata,
    ) -> Result<Option<Client>, Error> {
        let now = self.core.now();
        let shared = |client: Client| {
            let fits = client.metadata == *metadata && now < client.issued_at.plus(SAME);
            fits.then_some(Client { registration_token: None, ..client })
        };
        Ok(self.core.store.clients.change_client(id, now, shared, None).await?)
    }

    async fn create(
        &self,
        metadata: ClientMetadata,
        secret: Option<&ClientSecret>,
        caller: &Caller,
    ) -> Result<(Client, RegistrationToken), Error> {
        let (now, token) = (self.core.now(), RegistrationToken::generate()?);
        let client = Client {
            id: ClientId::generate()?,
            secret: secret.map(ClientSecret::fingerprint),
            registration_token: Some(token.fingerprint()),
            issued_at: now,
            expires_at: self.core.config.lifetimes.client_unused.map(|life| now.plus(life)),
            preregistered: false,
            unused: true,
            own_access: None,
            metadata,
        };
        let registered = self.core.draft_of_client(EventKind::ClientRegistered, &client);
        let entry = self.core.entry(registered.from(caller));
        self.core.store.clients.register_client(&client, now, entry.as_ref()).await?;
        self.core.metrics.registered();
        log::info!(target: "audit", client:% = client.id; "client registered");
        Ok((client, token))
    }

    /// Marks the client of `pending` as used, after a person consented to it.
    ///
    /// Restores an evicted registration from the pending authorization.
    pub(in crate::oauth) async fn keep_client(
        &self,
        pending: &PendingAuthorization,
    ) -> Result<(), Error> {
        let id = &pending.request.client_id;
        if is_document(id) {
            return self.keep_document(id).await;
        }
        let now = self.core.now();
        let known = match self.core.store.clients.client(id, now).await? {
            Some(client) if !client.unused => return Ok(()),
            known => known,
        };
        if known.is_none() && pending.registration.is_none() {
            return Err(Error::InvalidClient);
        }
        let end = self.core.config.lifetimes.client.map(|life| now.plus(life));
        let client = (id, pending.registration.as_ref());
        if self
            .core
            .store
            .clients
            .use_client(client, end, (self.core.config.clients.max, now))
            .await?
        {
            Ok(())
        } else {
            Err(Error::TooManyClients)
        }
    }

    /// Parses the metadata in `body` for a registration.
    pub(in crate::oauth) fn registrable(&self, body: &[u8]) -> Result<ClientMetadata, Error> {
        let mut metadata = metadata::parse(body, self.terms())?;
        // A registration contains only the selected method.
        metadata.token_endpoint_auth_methods_supported.clear();
        Ok(metadata)
    }

    /// Extends the lifetime of a registration, so that a client in use does not expire.
    pub(in crate::oauth) async fn renew_client(&self, client: &Client) -> Result<(), Error> {
        if client.expires_at.is_none() {
            return Ok(());
        }
        let now = self.core.now();
        let end = self.core.config.lifetimes.client.map(|life| now.plus(life));
        if self.core.store.clients.renew_client(&client.id, end, now).await? {
            Ok(())
        } else {
            Err(Error::InvalidClient)
        }
    }

    pub(in crate::oauth) fn registered(
        &self,
        client: Client,
        secret: Option<&ClientSecret>,
        token: Option<&RegistrationToken>,
    ) -> Registered {
        let path = format!("{}/{}", Endpoint::Register.path(), client.id);
        Registered {
            client_id: client.id,
            client_secret: secret.map(|secret| secret.reveal().to_owned()),
            client_id_issued_at: client.issued_at,
            client_secret_expires_at: client.secret.map(|_| 0),
            registration_access_token: token.map(|token| token.reveal().to_owned()),
            registration_client_uri: token.map(|_| self.core.config.issuer.at(&path)),
            metadata: client.metadata,
        }
    }
}
