//! Client authentication (RFC 6749 §2.3) by the method the client registered.

use crate::{
    model::{AuthMethod, Client, ClientAssertion, ClientId, ClientSecret, Fingerprint},
    oauth::{Clients, Endpoint, Error},
};

/// How a client presented itself.
#[derive(Debug)]
pub enum ClientCredentials {
    /// `Authorization: Basic`.
    Basic(ClientId, ClientSecret),
    /// `client_id` and `client_secret` in the form.
    Post(ClientId, ClientSecret),
    /// `client_assertion` of RFC 7521 §4.2, maybe with `client_id`.
    Assertion(Option<ClientId>, ClientAssertion),
    /// `client_id` alone.
    Public(ClientId),
}

impl Clients {
    /// Returns the client, if it proved itself to `endpoint`; its method is the one it used.
    ///
    /// A client that lost its registration gets `invalid_client` here, which is what makes MCP
    /// clients register anew.
    pub async fn authenticate(
        &self,
        given: &ClientCredentials,
        endpoint: Endpoint,
    ) -> Result<Client, Error> {
        let (id, method, secret) = match given {
            ClientCredentials::Assertion(id, assertion) => {
                let assertion = (assertion, endpoint);
                let (mut client, method) = self.asserted_client(id.as_ref(), assertion).await?;
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
        let mut client = self.client(id).await?;
        if !client.may_authenticate_by(method) || !proves(secret.as_ref(), client.secret.as_ref()) {
            return Err(Error::InvalidClient);
        }
        client.metadata.token_endpoint_auth_method = method;
        Ok(client)
    }
}

/// Whether what was presented, if anything had to be, is what is stored. A client that may go without
/// may have a secret all the same, if it comes from the predecessor.
fn proves(presented: Option<&Fingerprint>, stored: Option<&Fingerprint>) -> bool {
    presented.is_none_or(|presented| stored.is_some_and(|stored| stored.matches(presented)))
}
