//! Client authentication (RFC 6749 §2.3) with the registered method.

use crate::{
    model::{AuthMethod, Client, ClientAssertion, ClientId, ClientSecret, Fingerprint},
    oauth::{Clients, Endpoint, Error},
};

/// The client credentials of a request.
#[derive(Debug)]
pub enum ClientCredentials {
    /// Client id and secret from `Authorization: Basic`.
    Basic(ClientId, ClientSecret),
    /// `client_id` and `client_secret` from the form.
    Post(ClientId, ClientSecret),
    /// `client_assertion` (RFC 7521 §4.2), with the optional `client_id`.
    Assertion(Option<ClientId>, ClientAssertion),
    /// `client_id` alone, of a public client.
    Public(ClientId),
}

impl ClientCredentials {
    /// Returns the id of the client, if the request states it.
    #[must_use]
    pub fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::Basic(id, _) | Self::Post(id, _) | Self::Public(id) => Some(id),
            Self::Assertion(id, _) => id.as_ref(),
        }
    }
}

impl Clients {
    /// Authenticates a client at `endpoint`.
    ///
    /// Returns the client with `token_endpoint_auth_method` set to the method that it used. A client
    /// whose registration is gone gets `invalid_client`, which makes MCP clients register again.
    pub async fn authenticate(
        &self,
        given: &ClientCredentials,
        endpoint: Endpoint,
    ) -> Result<Client, Error> {
        let (id, method, secret) = match given {
            ClientCredentials::Assertion(id, assertion) => {
                let asserted = self.asserted_client(id.as_ref(), assertion, endpoint);
                let (mut client, method) = asserted.await?;
                client.metadata.token_endpoint_auth_method = method;
                return Ok(client);
            }
            ClientCredentials::Basic(id, secret) => {
                (id, AuthMethod::ClientSecretBasic, Some(secret.fingerprint()))
            }
            ClientCredentials::Post(id, secret) => {
                (id, AuthMethod::ClientSecretPost, Some(secret.fingerprint()))
            }
            ClientCredentials::Public(id) => (id, AuthMethod::None, None),
        };
        let mut client = self.client_at_once(id).await?;
        if !client.may_authenticate_by(method) || !proves(secret.as_ref(), client.secret.as_ref()) {
            return Err(Error::InvalidClient);
        }
        client.metadata.token_endpoint_auth_method = method;
        Ok(client)
    }
}

/// Returns `true` if the presented secret matches the stored one, or if none was presented.
///
/// Without a presented secret the stored one does not matter. Clients imported from the predecessor
/// can have a secret and still be allowed to omit it.
fn proves(presented: Option<&Fingerprint>, stored: Option<&Fingerprint>) -> bool {
    presented.is_none_or(|presented| stored.is_some_and(|stored| stored.matches(presented)))
}
