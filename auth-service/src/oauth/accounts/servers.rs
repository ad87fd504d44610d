//! The servers that a person may use.

use crate::{
    model::McpServer,
    oauth::{Accounts, Error, Viewer},
};

/// A server of the catalogue, from the point of view of a person.
#[derive(Debug)]
pub struct UsableServer {
    /// The server.
    pub server: McpServer,
    /// `true` if the person may use it.
    pub is_allowed: bool,
}

impl Accounts {
    /// Returns the servers of the catalogue, and which of them the person may use.
    pub async fn servers(&self, viewer: &Viewer) -> Result<Vec<UsableServer>, Error> {
        let (catalogue, seen) =
            (self.core.catalogue(), self.core.seen(viewer.user.person()).await?);
        let usable = |server: &McpServer| UsableServer {
            is_allowed: self.core.may_use(&seen, &viewer.user, server),
            server: server.clone(),
        };
        Ok(catalogue.iter().map(usable).collect())
    }
}
