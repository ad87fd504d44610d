//! Selection of a server by the person.
//!
//! It is needed if the client names no server and the catalogue has several. Clients of
//! MCP 2025-03-26 send no `resource`.

use super::flow_state::ServerChoice;
use crate::oauth::{BrowserContext, ConsentFlow, Error, Next, resource::find};

impl ConsentFlow {
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
