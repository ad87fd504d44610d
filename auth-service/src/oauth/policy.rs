//! Who may log in, and who may use which server.

use super::AuthServer;
use crate::model::{CLIENT_PROVIDER, ResourceUri, User};

impl AuthServer {
    /// Whether `user` may log in. Asked again at every refresh, so that somebody taken off the list
    /// is out within the life of an access token.
    pub(super) fn may_log_in(&self, user: &User) -> bool {
        match user.provider() {
            "github" => {
                self.config.github.as_ref().is_some_and(|github| github.allowed.admits(user))
            }
            // The operator named this person when minting the code.
            "local" => self.config.local_login,
            // A client on its own behalf: the operator named it, and its servers.
            CLIENT_PROVIDER => true,
            _ => false,
        }
    }

    /// Whether `user` may use all of `resources` that there are.
    pub(super) fn may_use(&self, user: &User, resources: &[ResourceUri]) -> bool {
        let catalogue = self.catalogue();
        resources.iter().all(|resource| {
            catalogue.by_resource(resource).is_none_or(|server| server.admits(user))
        })
    }
}
