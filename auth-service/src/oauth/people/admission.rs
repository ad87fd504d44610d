//! The answers of the access policy about a person who logs in, refreshes or redeems.

use crate::{
    access::ServerVerdict,
    admission::Known,
    model::{ClientId, McpServer, ResourceUri, Scopes, User},
    oauth::{Core, Error, people::Seen},
};

/// The answer about a person with a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oauth) enum Admission {
    /// The person may log in and use all of the servers.
    Allowed {
        /// The scopes that may be granted. With `None`, all.
        scopes: Option<Scopes>,
    },
    /// The person may not, whatever the provider says.
    Denied,
    /// The person may not as far as is known, and the provider may know more.
    Unknown,
}

impl Admission {
    pub(in crate::oauth) fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// Returns those of `scopes` that may be granted.
    pub(in crate::oauth) fn capped(&self, scopes: &Scopes) -> Scopes {
        match self {
            Self::Allowed { scopes: None } => scopes.clone(),
            Self::Allowed { scopes: Some(cap) } => scopes.intersection(cap),
            Self::Denied | Self::Unknown => Scopes::default(),
        }
    }
}

impl Core {
    /// Decides whether `user` may log in, and use with `client` each of `resources` that is in the catalogue.
    ///
    /// Denies blocked people and refused clients, whatever the policy says. Callers repeat this at every step, so
    /// that a change takes effect immediately.
    pub(in crate::oauth) async fn admission(
        &self,
        user: &User,
        client: Option<&ClientId>,
        resources: &[ResourceUri],
    ) -> Result<Admission, Error> {
        if self.store.barred.is_barred(&user.subject, client).await? {
            return Ok(Admission::Denied);
        }
        let seen = self.seen(user.person()).await?;
        Ok(self.judged(&seen, user, client, resources))
    }

    /// Decides like [`Self::admission`], by what was `seen` of the person.
    pub(in crate::oauth) fn judged(
        &self,
        seen: &Seen,
        user: &User,
        client: Option<&ClientId>,
        resources: &[ResourceUri],
    ) -> Admission {
        let known = self.known(seen, user.person(), client.map(ClientId::as_str));
        if !seen.access.may_log_in(&known.facts) {
            return no(&known);
        }
        let (catalogue, now) = (self.catalogue(), self.now());
        let mut cap: Option<Scopes> = None;
        for server in resources.iter().filter_map(|resource| catalogue.by_resource(resource)) {
            let ServerVerdict { allowed, scopes, .. } =
                seen.access.at_server(&known.facts, server, now);
            if !allowed {
                return no(&known);
            }
            if let Some(scopes) = scopes {
                cap = Some(cap.map_or(scopes.clone(), |cap| cap.intersection(&scopes)));
            }
        }
        Admission::Allowed { scopes: cap }
    }

    /// Returns `true` if `user` may log in and use `server` with any client.
    pub(in crate::oauth) fn may_use(&self, seen: &Seen, user: &User, server: &McpServer) -> bool {
        let resource = std::slice::from_ref(&server.resource);
        self.judged(seen, user, None, resource).is_allowed()
    }
}

fn no(known: &Known) -> Admission {
    if known.is_complete() { Admission::Denied } else { Admission::Unknown }
}
