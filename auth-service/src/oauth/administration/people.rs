//! People: block, unblock, sign out.

use crate::{
    oauth::{Administration, Error},
    store::{Ended, Selection},
};

/// The result of an attempt to block a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// The person is blocked, and this access ended.
    Done(Ended),
    /// The person is the last administrator who is not blocked, and stays unblocked.
    LastAdministrator,
}

impl Administration {
    /// Blocks a person: ends all grants and sign-ins, and admits none until the person is unblocked.
    ///
    /// The mark is set before everything ends, so that a login in between is refused or ended.
    pub async fn block(&self, subject: &str) -> Result<Blocking, Error> {
        let (people, now) = (&self.core.store.people, self.core.now());
        let administrators = &self.core.config.pages.administrators;
        if !people.block(subject, administrators, now).await? {
            return Ok(Blocking::LastAdministrator);
        }
        self.sign_out(subject).await.map(Blocking::Done)
    }

    /// Unblocks a person. Returns `false` if the person was not blocked.
    pub async fn unblock(&self, subject: &str) -> Result<bool, Error> {
        Ok(self.core.store.people.unblock(subject).await?)
    }

    /// Ends all grants, personal tokens and sign-ins of a person, who may log in again.
    pub async fn sign_out(&self, subject: &str) -> Result<Ended, Error> {
        let selection = Selection::User(subject.to_owned());
        Ok(Box::pin(self.core.store.maintenance.revoke(&selection, self.core.now())).await?)
    }
}
