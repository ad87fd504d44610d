//! What a person allowed a client before is remembered (MCP security best practices: "registry of
//! approved client ids per user").

use crate::{
    model::{
        ApprovalRecord, AuthorizationRequest, ClientId, Fingerprint, RedirectUri, Reply,
        ResourceUri, User,
    },
    oauth::{Error, Sessions, Visitor, client::redirect_uri},
};

impl Sessions {
    /// Whether `user` allowed all of `request` before.
    pub(in crate::oauth) async fn approved_before(
        &self,
        user: &User,
        request: &AuthorizationRequest,
    ) -> Result<bool, Error> {
        let Some(keys) = keys(user, request) else { return Ok(false) };
        for (key, resource) in keys {
            let before = self.core.store.approval(&key, self.core.now()).await?;
            let covers = |before: ApprovalRecord| {
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

    /// Whether the person who is logged in allowed `client` any server, with answers to `uri`.
    pub(in crate::oauth) async fn knows_client(
        &self,
        visitor: &Visitor,
        client: &ClientId,
        uri: &RedirectUri,
    ) -> Result<bool, Error> {
        let Some(user) = self.session_user(visitor).await? else { return Ok(false) };
        if !redirect_uri::is_web(uri) {
            return Ok(false);
        }
        let destination = uri.destination();
        let catalogue = self.core.catalogue();
        let keys: Vec<_> =
            catalogue.iter().map(|at| key(&user, client, &destination, &at.resource)).collect();
        Ok(self.core.store.any_approval(&keys).await?)
    }

    /// Remembers that `user` allowed `request`.
    pub(in crate::oauth) async fn remember_approval(
        &self,
        user: &User,
        request: &AuthorizationRequest,
    ) -> Result<(), Error> {
        let (Some(life), Some(keys)) = (self.core.config.lifetimes.approval, keys(user, request))
        else {
            return Ok(());
        };
        let now = self.core.now();
        for (key, resource) in keys {
            let record = ApprovalRecord {
                user: user.clone(),
                client_id: request.client_id.clone(),
                client_name: request.client_name.clone(),
                resource: Some(resource.clone()),
                scopes: request.scopes.clone(),
                expires_at: now.plus(life),
            };
            self.core.store.put_approval(&key, &record, now).await?;
        }
        Ok(())
    }

    /// Forgets that `user` allowed `request`.
    pub(in crate::oauth) async fn forget_approval(
        &self,
        user: &User,
        request: &AuthorizationRequest,
    ) -> Result<(), Error> {
        for (key, _) in keys(user, request).into_iter().flatten() {
            self.core.store.delete_approval(&key).await?;
        }
        Ok(())
    }
}

/// Where the answer of a client goes that need not be asked about twice.
///
/// RFC 8252 §8.6: requests of a client whose identity cannot be assured, such as any program that
/// listens on this machine or took a scheme, are not to be answered without the person.
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

/// The approvals of `request`, one for each of its servers; `None` if there can be none.
fn keys<'a>(
    user: &'a User,
    request: &'a AuthorizationRequest,
) -> Option<impl Iterator<Item = (Fingerprint, &'a ResourceUri)>> {
    let destination = destination(request)?;
    let key = move |resource| key(user, &request.client_id, &destination, resource);
    Some(request.resources.iter().map(move |resource| (key(resource), resource)))
}

/// One approval: of a person, for a client at a host, of one server.
fn key(user: &User, client: &ClientId, destination: &str, resource: &ResourceUri) -> Fingerprint {
    let parts = [&user.subject, client.as_str(), destination, resource.as_str()];
    // No part has a line break: subjects and ids are ours, the others are URLs.
    Fingerprint::of(&parts.join("\n"))
}
