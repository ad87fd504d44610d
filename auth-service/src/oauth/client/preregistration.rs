//! Registration of clients by the operator.
//!
//! RFC 6749 §2 leaves the means of registration open. RFC 7591 is only one of them.

use gateway_contract::audit::EventKind;

use super::{metadata, redirect_uri};
use crate::{
    model::{
        Actor, AuthMethod, Client, ClientId, ClientMetadata, ClientSecret, OwnAccess, RedirectUri,
    },
    oauth::{Clients, Error},
};

/// A client to be registered by the operator.
#[derive(Debug)]
pub struct NewClient {
    /// The display name on the consent page.
    pub name: String,
    /// The method of client authentication.
    pub method: AuthMethod,
    /// The redirect URIs of a client that acts for people, with the authorization code grant.
    pub redirect_uris: Vec<RedirectUri>,
    /// The servers and scopes that the client may use on its own behalf.
    pub own_access: Option<OwnAccess>,
}

impl Clients {
    /// Registers a client that never expires and has no registration access token.
    ///
    /// Returns the client and its secret, which cannot be read again later.
    pub async fn preregister(
        &self,
        new: NewClient,
        actor: &Actor,
    ) -> Result<(Client, Option<ClientSecret>), Error> {
        let metadata = metadata(&new, &self.core.config.clients.redirect_schemes)?;
        let secret = new.method.has_secret().then(ClientSecret::generate).transpose()?;
        let now = self.core.now();
        let client = Client {
            id: ClientId::generate()?,
            secret: secret.as_ref().map(ClientSecret::fingerprint),
            registration_token: None,
            issued_at: now,
            expires_at: None,
            preregistered: true,
            unused: false,
            own_access: new.own_access,
            metadata,
        };
        let registered = self.core.draft_of_client(EventKind::ClientRegistered, &client);
        let entry = self.core.entry(registered.by(actor));
        self.core.store.clients.put_client(&client, now, entry.as_ref()).await?;
        log::info!(target: "audit", client:% = client.id; "client registered by the operator");
        Ok((client, secret))
    }
}

fn metadata(new: &NewClient, app_schemes: &[String]) -> Result<ClientMetadata, Error> {
    let refuse = |why: &'static str| Err(Error::InvalidClientMetadata(why.into()));
    // RFC 6749 §4.4: "MUST only be used by confidential clients".
    if new.own_access.is_some() && new.method == AuthMethod::None {
        return refuse("client-credentials requires a client that authenticates");
    }
    if new.redirect_uris.is_empty() && new.own_access.is_none() {
        return refuse("authorization-code requires a redirect URI");
    }
    if new.name.trim().is_empty() {
        return refuse("the name is empty");
    }
    new.redirect_uris.iter().try_for_each(|uri| redirect_uri::check(uri, app_schemes))?;
    let with_people = !new.redirect_uris.is_empty();
    let grants: &[&str] = match (with_people, new.own_access.is_some()) {
        (true, false) => &["authorization_code", "refresh_token"],
        (true, true) => &["authorization_code", "refresh_token", "client_credentials"],
        (false, _) => &["client_credentials"],
    };
    let metadata = ClientMetadata {
        redirect_uris: new.redirect_uris.clone(),
        token_endpoint_auth_method: new.method,
        grant_types: grants.iter().map(|&grant| grant.to_owned()).collect(),
        response_types: if with_people { vec!["code".to_owned()] } else { Vec::new() },
        client_name: Some(new.name.clone()),
        ..ClientMetadata::default()
    };
    metadata::check_texts(&metadata)?;
    Ok(metadata)
}
