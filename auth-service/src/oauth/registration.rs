//! Dynamic client registration (RFC 7591).

use secrecy::ExposeSecret;
use serde::Serialize;

use super::{AuthServer, Endpoint, Error, client_metadata};
use crate::model::{
    Client, ClientId, ClientMetadata, ClientSecret, Fingerprint, RegistrationToken, UnixTime,
};

/// The answer to a registration (RFC 7591 §3.2.1, RFC 7592 §3). No member is ever `null`: clients
/// refuse that.
#[derive(Debug, Serialize)]
pub struct Registered {
    client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    client_id_issued_at: UnixTime,
    /// "REQUIRED if `client_secret` is issued"; 0: a secret ends only with its registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<String>,
    registration_client_uri: String,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

impl AuthServer {
    /// Registers a client from the JSON document `body`, if `token` is the initial access token
    /// where there has to be one (RFC 7591 §3).
    pub async fn register(&self, token: Option<&str>, body: &[u8]) -> Result<Registered, Error> {
        if let Some(expected) = &self.config.clients.registration_token {
            let expected = Fingerprint::of(expected.expose_secret());
            if !token.is_some_and(|token| expected.matches(&Fingerprint::of(token))) {
                return Err(Error::InvalidToken);
            }
        }
        let metadata = self.registrable(body)?;
        let now = self.now();
        let method = metadata.token_endpoint_auth_method;
        let secret = method.has_secret().then(ClientSecret::generate).transpose()?;
        let token = RegistrationToken::generate()?;
        let client = Client {
            id: ClientId::generate()?,
            secret: secret.as_ref().map(ClientSecret::fingerprint),
            registration_token: Some(token.fingerprint()),
            issued_at: now,
            expires_at: self.config.lifetimes.client.map(|life| now.plus(life)),
            own_access: None,
            metadata,
        };
        self.store.put_client(&client, now).await?;
        log::info!(target: "audit", client:% = client.id; "client registered");
        Ok(self.registered(client, secret.as_ref(), Some(&token)))
    }

    /// The metadata in `body`, as it can be registered.
    pub(super) fn registrable(&self, body: &[u8]) -> Result<ClientMetadata, Error> {
        let mut metadata = client_metadata::parse(body, &self.config.clients.redirect_schemes)?;
        // Of a choice, only what was chosen is registered.
        metadata.token_endpoint_auth_methods_supported.clear();
        Ok(metadata)
    }

    /// A use of the registration renews it: a client that people work with does not expire.
    pub(super) async fn renew_client(&self, client: &Client) -> Result<(), Error> {
        let Some(life) = self.config.lifetimes.client else { return Ok(()) };
        if client.registration_token.is_none() {
            return Ok(());
        }
        let now = self.now();
        if self.store.renew_client(&client.id, now.plus(life), now).await? {
            Ok(())
        } else {
            Err(Error::InvalidClient)
        }
    }

    pub(super) fn registered(
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
            registration_client_uri: self.config.issuer.at(&path),
            metadata: client.metadata,
        }
    }
}
