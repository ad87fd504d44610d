//! Selection of a server by the person.
//!
//! It is needed if the client names no server and the catalogue has several. Clients of
//! MCP 2025-03-26 send no `resource`.

use super::{consent_page::ServerLabel, flow_state::ServerChoice};
use crate::{
    model::{AuthorizationRequest, User},
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
    pub(super) async fn choose_server(
        &self,
        choice: ServerChoice,
        url: &str,
        browser: &BrowserContext,
    ) -> Result<Next, Error> {
        let server = find(&self.core.catalogue(), url).map(|server| server.resource.clone());
        let pending = match server {
            Some(server) => {
                let asked = &choice.pending().request.scopes;
                let scopes = self.requests.grantable_scopes(asked, std::slice::from_ref(&server));
                choice.choose(server, scopes)
            }
            None => choice.again(),
        };
        self.page(pending, browser).await
    }
}
