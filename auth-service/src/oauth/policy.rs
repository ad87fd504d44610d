//! Who may log in, and who may use which server.

use super::Core;
use crate::model::{CLIENT_PROVIDER, Person, ResourceUri, User};

impl Core {
    /// Whether `user` may log in. Asked again at every refresh and every request, so that somebody
    /// taken off the list is out.
    pub(super) fn may_log_in(&self, user: &User) -> bool {
        self.may_still_log_in(user.person())
    }

    /// The same of somebody whose token is looked at.
    pub(super) fn may_still_log_in(&self, person: Person<'_>) -> bool {
        match person.provider() {
            "github" => {
                self.config.github.as_ref().is_some_and(|github| github.allowed.admits(person))
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
            catalogue.by_resource(resource).is_none_or(|server| server.admits(user.person()))
        })
    }
}
