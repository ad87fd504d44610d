//! Resource indicators (RFC 8707): which servers a request is about.

use super::{Core, Error, Params};
use crate::model::{Catalogue, McpServer, ResourceUri, Scopes, ServerScopes};

impl Core {
    /// The servers that `params` name. A request that names none means the only server there is,
    /// since clients of MCP 2025-03-26 do not send `resource`.
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
            let only = catalogue
                .only()
                .ok_or(Error::InvalidTarget("resource is missing: name the server's URL"))?;
            resources.push(only.resource.clone());
        }
        Ok(resources)
    }

    /// The servers that `params` name, or the only one there is. Returns no server if the person has to
    /// choose one of several.
    pub(super) fn resources_or_choice(&self, params: &Params) -> Result<Vec<ResourceUri>, Error> {
        let is_open =
            params.many("resource").next().is_none() && self.catalogue().iter().count() > 1;
        if is_open { Ok(Vec::new()) } else { self.requested_resources(params) }
    }

    /// The only server on the host of the canonical `authority`, if there is just one.
    #[must_use]
    pub fn only_resource(&self, authority: &str) -> Option<ResourceUri> {
        let catalogue = self.catalogue();
        let server = catalogue.only_on(catalogue.authority_for(authority)?)?;
        Some(server.resource.clone())
    }

    /// The part of `granted` that a token request names (RFC 8707 §2.2); all of it if it names none.
    pub(super) fn narrowed_resources(
        &self,
        params: &Params,
        granted: &[ResourceUri],
    ) -> Result<Vec<ResourceUri>, Error> {
        if granted.is_empty() {
            return Err(Error::InvalidTarget("the server is not published at present"));
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

    /// The part of `granted` that is published now: a server may be taken out of the file and come
    /// back, which ends no grant.
    pub(super) fn published(&self, granted: &[ResourceUri]) -> Vec<ResourceUri> {
        let catalogue = self.catalogue();
        let there = |resource: &&ResourceUri| catalogue.by_resource(resource).is_some();
        granted.iter().filter(there).cloned().collect()
    }

    /// The scopes that the servers of `resources` know.
    #[must_use]
    pub fn known_scopes(&self, resources: &[ResourceUri]) -> Scopes {
        self.scopes_of(resources, ServerScopes::known)
    }

    /// The scopes that the servers of `resources` need for any use.
    pub(super) fn basic_scopes(&self, resources: &[ResourceUri]) -> Scopes {
        self.scopes_of(resources, |scopes| scopes.basic.clone())
    }

    /// `held`, and what it includes at the servers of `resources`.
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

/// The server that `text` names: its resource identifier, or the bare origin where that is
/// unambiguous, which clients derive from it. No server has a query in its identifier: one that the
/// person wrote into the URL of the connection is the client's own.
pub(super) fn find<'a>(catalogue: &'a Catalogue, text: &str) -> Option<&'a McpServer> {
    let resource = ResourceUri::parse(without_query(text)).ok()?;
    catalogue.by_resource(&resource).or_else(|| {
        resource.path().is_empty().then(|| catalogue.only_on(resource.authority())).flatten()
    })
}

/// RFC 8707 §2: a resource indicator "SHOULD NOT include a query component", but may.
fn without_query(text: &str) -> &str {
    match text.split_once('?') {
        Some((resource, query)) if !query.contains('#') => resource,
        _ => text,
    }
}
