//! The choice of a server by the person, where the client names none and there are several: clients of
//! MCP 2025-03-26 send no `resource`.

use crate::{
    model::{AuthorizationRequest, PendingAuthorization, User},
    oauth::{ConsentFlow, Error, Next, Visitor, resource::find},
};

impl ConsentFlow {
    /// Title and address of each server that the person can choose. Returns none if `request` names its
    /// servers. A person who is logged in sees only the servers that they may use, if there are any.
    pub(in crate::oauth) fn choices(
        &self,
        request: &AuthorizationRequest,
        user: Option<&User>,
    ) -> Vec<(String, String)> {
        if !request.resources.is_empty() {
            return Vec::new();
        }
        let catalogue = self.core.catalogue();
        let list = |user: Option<&User>| -> Vec<_> {
            let admitted = catalogue
                .iter()
                .filter(|server| user.is_none_or(|user| server.admits(user.person())));
            admitted.map(|server| (server.title.clone(), server.resource.to_string())).collect()
        };
        let theirs = list(user);
        if theirs.is_empty() { list(None) } else { theirs }
    }

    /// Goes on with the server that the person chose, to the consent page. A server that is no longer
    /// there has to be chosen again.
    pub(in crate::oauth) async fn choose_server(
        &self,
        pending: &PendingAuthorization,
        chosen: &str,
        visitor: &Visitor,
    ) -> Result<Next, Error> {
        let mut pending = pending.clone();
        let request = &mut pending.request;
        if request.resources.is_empty()
            && let Some(server) = find(&self.core.catalogue(), chosen)
        {
            request.resources = vec![server.resource.clone()];
            request.scopes = self.requests.grantable_scopes(&request.scopes, &request.resources);
        }
        Ok(Next::Page(Box::new(self.consent_page(pending, visitor).await?)))
    }
}
