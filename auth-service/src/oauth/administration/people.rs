//! People: block, unblock, sign out.

use gateway_contract::audit::EventKind;

use crate::{
    model::Actor,
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
    pub async fn block(&self, subject: &str, actor: &Actor) -> Result<Blocking, Error> {
        let blocked = self.core.draft(EventKind::PersonBlocked).by(actor).target_named(subject);
        let entry = self.core.entry(blocked);
        let (barred, now) = (&self.core.store.barred, self.core.now());
        let administrators = &self.core.config.pages.administrators;
        if !barred.block(subject, administrators, now, entry.as_ref()).await? {
            return Ok(Blocking::LastAdministrator);
        }
        self.sign_out(subject, actor).await.map(Blocking::Done)
    }

    /// Unblocks a person. Returns `false` if the person was not blocked.
    pub async fn unblock(&self, subject: &str, actor: &Actor) -> Result<bool, Error> {
        let unblocked = self.core.draft(EventKind::PersonUnblocked).by(actor);
        let entry = self.core.entry(unblocked.target_named(subject));
        Ok(self.core.store.barred.unblock(subject, entry.as_ref()).await?)
    }

    /// Ends all grants, personal tokens and sign-ins of a person, who may log in again.
    pub async fn sign_out(&self, subject: &str, actor: &Actor) -> Result<Ended, Error> {
        let revoked = self.core.draft(EventKind::GrantsRevoked).by(actor).target_named(subject);
        let entry = self.core.entry(revoked);
        let (selection, now) = (Selection::User(subject.to_owned()), self.core.now());
        let maintenance = &self.core.store.maintenance;
        Ok(Box::pin(maintenance.revoke(&selection, now, entry.as_ref())).await?)
    }
}
