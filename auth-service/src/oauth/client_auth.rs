//! Client authentication (RFC 6749 §2.3) by the method the client registered.

use super::{AuthServer, Error};
use crate::model::{AuthMethod, Client, ClientId, ClientSecret, Fingerprint};

/// How a client presented itself.
#[derive(Debug)]
pub enum ClientCredentials {
    /// `Authorization: Basic`.
    Basic(ClientId, ClientSecret),
    /// `client_id` and `client_secret` in the form.
    Post(ClientId, ClientSecret),
    /// `client_id` alone.
    Public(ClientId),
}

impl ClientCredentials {
    const fn id(&self) -> &ClientId {
        match self {
            Self::Basic(id, _) | Self::Post(id, _) | Self::Public(id) => id,
        }
    }

    const fn method(&self) -> AuthMethod {
        match self {
            Self::Basic(..) => AuthMethod::ClientSecretBasic,
            Self::Post(..) => AuthMethod::ClientSecretPost,
            Self::Public(_) => AuthMethod::None,
        }
    }

    fn secret(&self) -> Option<Fingerprint> {
        match self {
            Self::Basic(_, secret) | Self::Post(_, secret) => Some(secret.fingerprint()),
            Self::Public(_) => None,
        }
    }
}

impl AuthServer {
    /// The client, if it proved itself.
    ///
    /// A client that lost its registration gets `invalid_client` here, which is what makes MCP
    /// clients register anew.
    pub async fn authenticate(&self, given: &ClientCredentials) -> Result<Client, Error> {
        let client = self.client(given.id()).await?;
        let proven = given.method() == client.metadata.token_endpoint_auth_method
            && match (given.secret(), &client.secret) {
                (Some(presented), Some(stored)) => stored.matches(&presented),
                (None, None) => true,
                _ => false,
            };
        if proven { Ok(client) } else { Err(Error::InvalidClient) }
    }
}
