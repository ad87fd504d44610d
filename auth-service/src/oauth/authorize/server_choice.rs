//! Selection of a server by the person.
//!
//! It is needed if the client names no server and the catalogue has several. Clients of
//! MCP 2025-03-26 send no `resource`.

use super::consent_page::ServerLabel;
use crate::{
    model::{AuthorizationRequest, PendingAuthorization, User},
    oauth::{BrowserContext, ConsentFlow, Error, Next, resource::find},
};

impl ConsentFlow {
    /// Returns the servers that the person can choose.
    ///
    /// Returns an empty list if `request` names its servers. A logged-in person sees only the servers
    /// that they may use, if there are any.
    pub(in crate::oauth) fn choices(
        &self,
        request: &AuthorizationRequest,
        user: Option<&User>,
    ) -> Vec<ServerLabel> {
        if !request.resources.is_empty() {
            return Vec::new();
        }
        let catalogue = self.core.catalogue();
        let list = |user: Option<&User>| -> Vec<_> {
            let admitted = catalogue
                .iter()
                .filter(|server| user.is_none_or(|user| server.admits(user.person())));
            admitted.map(ServerLabel::of).collect()
        };
        let theirs = list(user);
        if theirs.is_empty() { list(None) } else { theirs }
    }

    /// Continues to the consent page with the server that the person chose.
    ///
    /// If that server was removed meanwhile, the page offers the choice again.
    pub(in crate::oauth) async fn choose_server(
        &self,
        pending: &PendingAuthorization,
        chosen: &str,
        browser: &BrowserContext,
    ) -> Result<Next, Error> {
        let mut pending = pending.clone();
        let request = &mut pending.request;
        if request.resources.is_empty()
            && let Some(server) = find(&self.core.catalogue(), chosen)
        {
            request.resources = vec![server.resource.clone()];
            request.scopes = self.requests.grantable_scopes(&request.scopes, &request.resources);
        }
        Ok(Next::Page(Box::new(self.consent_page(pending, browser).await?)))
    }
}
