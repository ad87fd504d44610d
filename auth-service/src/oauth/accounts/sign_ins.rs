//! The sign-ins of a person: login sessions in browsers.

use gateway_contract::audit::EventKind;

use crate::{
    model::{Fingerprint, SignInPlace, UnixTime},
    oauth::{Accounts, Error, Viewer},
    store::AuditEntry,
};

/// A sign-in in a browser.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The fingerprint of the cookie, by which the person ends the sign-in.
    pub id: Fingerprint,
    /// The time and place, if they are known.
    pub place: Option<SignInPlace>,
    /// The end of the sign-in.
    pub expires_at: UnixTime,
    /// `true` if this is the sign-in of the browser that asks.
    pub is_this_one: bool,
}

impl Accounts {
    /// Returns the sign-ins of the person, latest first.
    pub async fn sign_ins(&self, viewer: &Viewer) -> Result<Vec<SignIn>, Error> {
        let subject = &viewer.user.subject;
        let sessions = self.core.store.logins.sessions_of(subject, self.core.now()).await?;
        let sign_in = |(id, record): (Fingerprint, crate::model::SessionRecord)| SignIn {
            is_this_one: id.matches(&viewer.session),
            place: record.place,
            expires_at: record.expires_at,
            id,
        };
        let mut all: Vec<SignIn> = sessions.into_iter().map(sign_in).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.expires_at));
        Ok(all)
    }

    /// Ends a sign-in of the person. Returns `false` if the person has none with this id.
    pub async fn end_sign_in(&self, viewer: &Viewer, id: &Fingerprint) -> Result<bool, Error> {
        let logins = &self.core.store.logins;
        match logins.session_at(id, self.core.now()).await? {
            Some(record) if record.user.subject == viewer.user.subject => {
                let entry = self.signed_out(viewer);
                Ok(logins.end_session(id, entry.as_ref()).await?)
            }
            _ => Ok(false),
        }
    }

    /// Ends all sign-ins of the person, that of this browser included. Returns their number.
    pub async fn end_all_sign_ins(&self, viewer: &Viewer) -> Result<usize, Error> {
        let (logins, subject) = (&self.core.store.logins, &viewer.user.subject);
        let mut ended = 0;
        for (id, _) in logins.sessions_of(subject, self.core.now()).await? {
            let entry = self.signed_out(viewer);
            ended += usize::from(logins.end_session(&id, entry.as_ref()).await?);
        }
        Ok(ended)
    }

    /// Ends the sign-in of this browser.
    pub async fn sign_out(&self, viewer: &Viewer) -> Result<(), Error> {
        let entry = self.signed_out(viewer);
        self.core.store.logins.end_session(&viewer.session, entry.as_ref()).await?;
        Ok(())
    }

    /// Returns the event of a sign-in that its person ends.
    fn signed_out(&self, viewer: &Viewer) -> Option<AuditEntry> {
        self.core.entry(self.core.draft(EventKind::LoginEnded).by(&viewer.actor()))
    }
}
