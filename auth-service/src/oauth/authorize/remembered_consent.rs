//! Remembered consents per person and client.
//!
//! This is the "registry of approved client ids per user" of the MCP security best practices.

use gateway_contract::audit::EventKind;

use crate::{
    model::{
        AuthorizationRequest, Caller, ClientId, ConsentRecord, Fingerprint, Generation,
        RedirectUri, Reply, ResourceUri, User,
    },
    oauth::{BrowserContext, Error, Sessions, client::redirect_uri},
};

impl Sessions {
    /// Returns `true` if `user` consented to all servers and scopes of `request` before.
    pub(in crate::oauth) async fn remembers_consent(
        &self,
        user: &User,
        request: &AuthorizationRequest,
    ) -> Result<bool, Error> {
        let Some(keys) = keys(user, request) else { return Ok(false) };
        for (key, resource) in keys {
            let before = self.core.store.logins.consent(&key, self.core.now()).await?;
            let covers = |before: ConsentRecord| {
                before.resource.is_some_and(|allowed| allowed == *resource)
                    && before.client_name == request.client_name
                    && before.scopes.contains_all(&request.scopes)
            };
            if !before.is_some_and(covers) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns `true` if the logged-in person consented to `client` before, for any server and with
    /// responses to the host of `uri`.
    pub(in crate::oauth) async fn knows_client(
        &self,
        browser: &BrowserContext,
        client: &ClientId,
        uri: &RedirectUri,
    ) -> Result<bool, Error> {
        let Some(user) = self.session_user(browser).await? else { return Ok(false) };
        if !redirect_uri::is_web(uri) {
            return Ok(false);
        }
        let destination = uri.destination();
        let catalogue = self.core.catalogue();
        let keys: Vec<_> =
            catalogue.iter().map(|at| key(&user, client, &destination, &at.resource)).collect();
        Ok(self.core.store.logins.any_consent(&keys, self.core.now()).await?)
    }

    /// Stores the consent of `user` to `request`.
    pub(in crate::oauth) async fn remember_consent(
        &self,
        user: &User,
        request: &AuthorizationRequest,
        generation: Generation,
        caller: &Caller,
    ) -> Result<(), Error> {
        let (Some(life), Some(keys)) = (self.core.config.lifetimes.consent, keys(user, request))
        else {
            return Ok(());
        };
        let now = self.core.now();
        for (key, resource) in keys {
            let record = ConsentRecord {
                user: user.clone(),
                client_id: request.client_id.clone(),
                client_name: request.client_name.clone(),
                resource: Some(resource.clone()),
                scopes: request.scopes.clone(),
                generation,
                expires_at: now.plus(life),
            };
            let remembered = self.core.draft(EventKind::ConsentRemembered).actor(user).from(caller);
            let remembered = remembered.client(&request.client_id, &request.client_name);
            let servers = self.core.server_names(std::slice::from_ref(resource));
            let entry = self.core.entry(remembered.servers(&servers));
            self.core.store.logins.put_consent(&key, &record, now, entry.as_ref()).await?;
        }
        Ok(())
    }

    /// Deletes the consent of `user` to `request`.
    pub(in crate::oauth) async fn forget_consent(
        &self,
        user: &User,
        request: &AuthorizationRequest,
        caller: &Caller,
    ) -> Result<(), Error> {
        for (key, resource) in keys(user, request).into_iter().flatten() {
            let forgotten = self.core.draft(EventKind::ConsentForgotten).target(user).from(caller);
            let forgotten = forgotten.client(&request.client_id, &request.client_name);
            let servers = self.core.server_names(std::slice::from_ref(resource));
            let entry = self.core.entry(forgotten.servers(&servers).reason("revoked"));
            self.core.store.logins.delete_consent(&key, entry.as_ref()).await?;
        }
        Ok(())
    }
}

/// Returns the destination host of a request whose consent may be remembered.
///
/// RFC 8252 §8.6: requests of a client whose identity cannot be assured must not be answered without
/// the person. Such clients use a loopback address or a private-use scheme, which any local program
/// can take over.
fn destination(request: &AuthorizationRequest) -> Option<String> {
    match &request.reply {
        Reply::Redirect(redirect)
            if redirect_uri::is_web(&redirect.uri) && !request.resources.is_empty() =>
        {
            Some(redirect.uri.destination())
        }
        Reply::Redirect(_) | Reply::Device(_) => None,
    }
}

/// Returns the consent keys of `request`, one for each server, or `None` if its consent may not be
/// remembered.
fn keys<'a>(
    user: &'a User,
    request: &'a AuthorizationRequest,
) -> Option<impl Iterator<Item = (Fingerprint, &'a ResourceUri)>> {
    let destination = destination(request)?;
    let key = move |resource| key(user, &request.client_id, &destination, resource);
    Some(request.resources.iter().map(move |resource| (key(resource), resource)))
}

/// Returns the key of the consent of one person, for one client, redirect host and server.
fn key(user: &User, client: &ClientId, destination: &str, resource: &ResourceUri) -> Fingerprint {
    let parts = [&user.subject, client.as_str(), destination, resource.as_str()];
    // No part contains a line break: this server assigns subjects and ids, and the others are URLs.
    Fingerprint::of(&parts.join("\n"))
}
