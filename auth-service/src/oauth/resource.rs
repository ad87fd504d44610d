//! Resource indicators (RFC 8707): the servers that a request names.

use super::{Core, Error, Params};
use crate::model::{Catalogue, McpServer, ResourceUri, Scopes, ServerScopes};

impl Core {
    /// Returns the servers that `params` name.
    ///
    /// A request without `resource` means the only server in the catalogue, because clients of
    /// MCP 2025-03-26 do not send the parameter.
    pub(super) fn requested_resources(&self, params: &Params) -> Result<Vec<ResourceUri>, Error> {
        let catalogue = self.catalogue();
        let mut resources = Vec::new();
        for text in params.many("resource") {
            let server = find(&catalogue, text)
                .ok_or(Error::InvalidTarget("resource is not a server of this gateway"))?;
            if !resources.contains(&server.resource) {
                resources.push(server.resource.clone());
            }
        }
        if resources.is_empty() {
            let only = catalogue.only().ok_or(Error::InvalidTarget(
                "resource is missing; send the URL of the MCP server",
            ))?;
            resources.push(only.resource.clone());
        }
        Ok(resources)
    }

    /// Returns the servers that `params` name, or the only one in the catalogue.
    ///
    /// Returns an empty list if the person has to choose one of several.
    pub(super) fn resources_or_choice(&self, params: &Params) -> Result<Vec<ResourceUri>, Error> {
        let is_open =
            params.many("resource").next().is_none() && self.catalogue().iter().count() > 1;
        if is_open { Ok(Vec::new()) } else { self.requested_resources(params) }
    }

    /// Returns the server on the host of the canonical `authority`, if the host has exactly one.
    #[must_use]
    pub fn only_resource(&self, authority: &str) -> Option<ResourceUri> {
        let catalogue = self.catalogue();
        let server = catalogue.only_on(catalogue.authority_for(authority)?)?;
        Some(server.resource.clone())
    }

    /// Returns the part of `granted` that a token request names (RFC 8707 §2.2), or all of it if the
    /// request names none.
    pub(super) fn narrowed_resources(
        &self,
        params: &Params,
        granted: &[ResourceUri],
    ) -> Result<Vec<ResourceUri>, Error> {
        if granted.is_empty() {
            return Err(Error::InvalidTarget("the granted server is not available at present"));
        }
        if params.many("resource").next().is_none() {
            return Ok(granted.to_vec());
        }
        let wanted = self.requested_resources(params)?;
        if wanted.iter().all(|resource| granted.contains(resource)) {
            Ok(wanted)
        } else {
            Err(Error::InvalidTarget("resource is not part of the grant"))
        }
    }

    /// Returns the part of `granted` that the catalogue contains now.
    ///
    /// A server may be removed from the file and added again later. Its grants survive that.
    pub(super) fn published(&self, granted: &[ResourceUri]) -> Vec<ResourceUri> {
        let catalogue = self.catalogue();
        let there = |resource: &&ResourceUri| catalogue.by_resource(resource).is_some();
        granted.iter().filter(there).cloned().collect()
    }

    /// Returns the scopes that the servers of `resources` define.
    #[must_use]
    pub fn known_scopes(&self, resources: &[ResourceUri]) -> Scopes {
        self.scopes_of(resources, ServerScopes::known)
    }

    /// Returns the scopes that the servers of `resources` require for every request.
    pub(super) fn basic_scopes(&self, resources: &[ResourceUri]) -> Scopes {
        self.scopes_of(resources, |scopes| scopes.basic.clone())
    }

    /// Returns `held` and the scopes that it includes at the servers of `resources`.
    pub(super) fn with_included(&self, resources: &[ResourceUri], held: &Scopes) -> Scopes {
        let catalogue = self.catalogue();
        let servers = resources.iter().filter_map(|resource| catalogue.by_resource(resource));
        servers.fold(held.clone(), |all, server| all.union(&server.scopes.with_included(held)))
    }

    fn scopes_of(&self, resources: &[ResourceUri], which: fn(&ServerScopes) -> Scopes) -> Scopes {
        let catalogue = self.catalogue();
        let servers = resources.iter().filter_map(|resource| catalogue.by_resource(resource));
        servers.fold(Scopes::default(), |all, server| all.union(&which(&server.scopes)))
    }
}

/// Returns the server that `text` names by its resource identifier or by its bare origin.
///
/// Some clients shorten the identifier to its origin, which is accepted if the host has one server.
/// No identifier has a query, so a query that a person added to the connection URL is ignored.
pub(super) fn find<'a>(catalogue: &'a Catalogue, text: &str) -> Option<&'a McpServer> {
    let resource = ResourceUri::parse(without_query(text)).ok()?;
    catalogue.by_resource(&resource).or_else(|| {
        resource.path().is_empty().then(|| catalogue.only_on(resource.authority())).flatten()
    })
}

/// Removes the query of a resource indicator.
///
/// RFC 8707 §2: a resource indicator "SHOULD NOT include a query component", but may.
fn without_query(text: &str) -> &str {
    match text.split_once('?') {
        Some((resource, query)) if !query.contains('#') => resource,
        _ => text,
    }
}
