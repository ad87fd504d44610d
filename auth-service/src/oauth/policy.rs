//! The access policy: permission to log in, and to use a server.

use super::Core;
use crate::model::{CLIENT_PROVIDER, Person, ResourceUri, User};

impl Core {
    /// Returns `true` if `user` may log in.
    ///
    /// Callers repeat this check at every refresh and every request, so that removing a person from the
    /// allow list takes effect immediately.
    pub(super) fn may_log_in(&self, user: &User) -> bool {
        self.may_still_log_in(user.person())
    }

    /// Returns `true` if `person`, as named by an access token, may log in.
    pub(super) fn may_still_log_in(&self, person: Person<'_>) -> bool {
        match person.provider() {
            "github" => {
                self.config.github.as_ref().is_some_and(|github| github.allowed.admits(person))
            }
            // The operator named this person when minting the login code.
            "local" => self.config.local_login,
            // A client that acts on its own behalf: the operator registered it and its servers.
            CLIENT_PROVIDER => true,
            _ => false,
        }
    }

    /// Returns `true` if `user` may use each of `resources` that is in the catalogue.
    pub(super) fn may_use(&self, user: &User, resources: &[ResourceUri]) -> bool {
        let catalogue = self.catalogue();
        resources.iter().all(|resource| {
            catalogue.by_resource(resource).is_none_or(|server| server.admits(user.person()))
        })
    }
}
