//! Login sessions and remembered consents.

use std::time::Duration;

use super::{AuditEntry, Error, Key, LoginRecords, Ttl, key::Owner, record::Record};
use crate::model::{ClientId, ConsentRecord, Fingerprint, LoginSession, SessionRecord, UnixTime};

/// The time for which the use of a form is remembered. A sign-in is fresh for less.
const FORM_LIFE: Duration = Duration::from_hours(1);

impl LoginRecords {
    /// Stores the login session of `cookie`, with the event of the login.
    pub async fn put_session(
        &self,
        cookie: &LoginSession,
        record: &SessionRecord,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        let key = Key::Session(&cookie.fingerprint());
        self.records.put_live(&key, record, (now, record.expires_at), entry).await
    }

    /// Reads the login session of `cookie`.
    pub async fn session(
        &self,
        cookie: &LoginSession,
        now: UnixTime,
    ) -> Result<Option<SessionRecord>, Error> {
        self.records.read_live(&Key::Session(&cookie.fingerprint()), now).await
    }

    /// Returns the login sessions of a person, each with the fingerprint of its cookie.
    pub async fn sessions_of(
        &self,
        subject: &str,
        now: UnixTime,
    ) -> Result<Vec<(Fingerprint, SessionRecord)>, Error> {
        let mut found = Vec::new();
        for cookie in self.others_of(subject, SessionRecord::KIND).await? {
            let key = Fingerprint::parsed(&cookie);
            let record: Option<SessionRecord> =
                self.records.read_live(&Key::Session(&key), now).await?;
            let own = record.filter(|record| record.user.subject == subject);
            found.extend(own.map(|record| (key, record)));
        }
        Ok(found)
    }

    /// Reads the login session of a cookie with this fingerprint.
    pub async fn session_at(
        &self,
        cookie: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<SessionRecord>, Error> {
        self.records.read_live(&Key::Session(cookie), now).await
    }

    /// Ends a login session, with its event. Returns `false` if there was none.
    pub async fn end_session(
        &self,
        cookie: &Fingerprint,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        self.records.delete_with(&Key::Session(cookie), entry).await
    }

    /// Notes for an hour that a form was used. Returns `true` for the first use only.
    pub async fn use_form(&self, form: &Fingerprint) -> Result<bool, Error> {
        self.records.put_new(&Key::UsedForm(form), &1, Ttl::After(FORM_LIFE)).await
    }

    /// Returns the keys of a person's records of one kind in the index, without kind and prefix.
    async fn others_of(&self, subject: &str, kind: &str) -> Result<Vec<String>, Error> {
        let index = Key::Others(Owner::User(subject)).text();
        let mut range = redis::cmd("ZRANGE");
        range.arg(&index).arg(0).arg(-1);
        let members: Vec<String> = range.query_async(&mut self.records.pool.get().await?).await?;
        let of_kind = |member: &String| {
            let key = member.strip_prefix(kind)?.strip_prefix(':')?;
            Some(key.to_owned())
        };
        Ok(members.iter().filter_map(of_kind).collect())
    }

    /// Ends the login sessions of a person that rest on one session at the provider, each with its event.
    /// Returns their number.
    pub async fn end_sessions(
        &self,
        subject: &str,
        provider_session: &Fingerprint,
        now: UnixTime,
        entry: impl Fn(&SessionRecord) -> Option<AuditEntry>,
    ) -> Result<usize, Error> {
        let mut ended = 0;
        for cookie in self.others_of(subject, SessionRecord::KIND).await? {
            let key = Fingerprint::parsed(&cookie);
            let record: Option<SessionRecord> = self.records.read(&Key::Session(&key), now).await?;
            let Some(record) = record else { continue };
            let session = record.provider_session.as_ref();
            if session.is_some_and(|session| session.matches(provider_session)) {
                ended += usize::from(self.end_session(&key, entry(&record).as_ref()).await?);
            }
        }
        Ok(ended)
    }

    /// Deletes the remembered consents of a person for one client, each with its event.
    pub async fn forget_consents(
        &self,
        subject: &str,
        client: &ClientId,
        now: UnixTime,
        entry: impl Fn(&ConsentRecord) -> Option<AuditEntry>,
    ) -> Result<(), Error> {
        for of in self.others_of(subject, ConsentRecord::KIND).await? {
            let of = Fingerprint::parsed(&of);
            let record: Option<ConsentRecord> = self.records.read(&Key::Consent(&of), now).await?;
            if let Some(record) = record.filter(|record| record.client_id == *client) {
                self.delete_consent(&of, entry(&record).as_ref()).await?;
            }
        }
        Ok(())
    }

    /// Stores a remembered consent, with its event.
    pub async fn put_consent(
        &self,
        of: &Fingerprint,
        record: &ConsentRecord,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        self.records.put_live(&Key::Consent(of), record, (now, record.expires_at), entry).await
    }

    /// Deletes a remembered consent with its event, if there is one.
    pub async fn delete_consent(
        &self,
        of: &Fingerprint,
        entry: Option<&AuditEntry>,
    ) -> Result<(), Error> {
        self.records.delete_with(&Key::Consent(of), entry).await.map(drop)
    }

    /// Returns `true` if there is a remembered consent for at least one of these fingerprints.
    pub async fn any_consent(&self, any: &[Fingerprint], now: UnixTime) -> Result<bool, Error> {
        if any.is_empty() {
            return Ok(false);
        }
        let mut command = redis::cmd("EXISTS");
        for of in any {
            command.arg(Key::Consent(of).text());
        }
        let there: usize = command.query_async(&mut self.records.pool.get().await?).await?;
        if there == 0 {
            return Ok(false);
        }
        for of in any {
            if self.consent(of, now).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads a remembered consent.
    pub async fn consent(
        &self,
        of: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<ConsentRecord>, Error> {
        self.records.read_live(&Key::Consent(of), now).await
    }
}
