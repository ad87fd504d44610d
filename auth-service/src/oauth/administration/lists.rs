//! The lists of administrators: people, clients, grants.

use gateway_contract::audit::EventKind;

use crate::{
    model::{Actor, ClientId, Fingerprint, Grant, Identifier, SessionRecord},
    oauth::{Administration, Error},
    store::{Cursor, Ended, Filter, GrantedClient, ListedGrant, ListedPerson, Page, Selection},
};

/// The number of entries on a page.
const PAGE: usize = 50;

impl Administration {
    /// Lists people after `cursor`, the latest login first.
    pub async fn people(&self, cursor: Option<Cursor>) -> Result<Page<ListedPerson>, Error> {
        Ok(self.core.store.people.people(cursor, PAGE).await?)
    }

    /// Returns the people whom `name` means, by subject or login name.
    pub async fn people_named(&self, name: &str) -> Result<Vec<ListedPerson>, Error> {
        Ok(self.core.store.people.people_named(name).await?)
    }

    /// Returns the person with this subject.
    pub async fn person(&self, subject: &str) -> Result<Option<ListedPerson>, Error> {
        Ok(self.core.store.people.person(subject).await?)
    }

    /// Returns the login sessions of a person.
    pub async fn sessions_of(
        &self,
        subject: &str,
    ) -> Result<Vec<(Fingerprint, SessionRecord)>, Error> {
        Ok(self.core.store.logins.sessions_of(subject, self.core.now()).await?)
    }

    /// Lists clients with grants after `cursor`, that of the latest grant first.
    pub async fn clients(&self, cursor: Option<Cursor>) -> Result<Page<GrantedClient>, Error> {
        Ok(self.core.store.maintenance.granted_clients(cursor, (PAGE, self.core.now())).await?)
    }

    /// Returns the client with this id, or `None` if it has no grants and is not refused.
    pub async fn client(&self, id: &ClientId) -> Result<Option<GrantedClient>, Error> {
        let (store, now) = (&self.core.store, self.core.now());
        if let Some(client) = store.maintenance.granted_client(id, now).await? {
            return Ok(Some(client));
        }
        let registered = store.clients.client(id, now).await?;
        let refused_since = store.barred.refused_since(id).await?;
        if registered.is_none() && refused_since.is_none() {
            return Ok(None);
        }
        let name =
            registered.map_or_else(|| id.to_string(), |client| client.display_name().to_owned());
        let last_grant = crate::model::UnixTime(0);
        Ok(Some(GrantedClient { id: id.clone(), name, grants: 0, last_grant, refused_since }))
    }

    /// Returns up to 50 refused clients, latest first.
    pub async fn refused_clients(&self) -> Result<Vec<ClientId>, Error> {
        Ok(self.core.store.barred.refused_clients(PAGE).await?)
    }

    /// Lists the grants of `filter` after `cursor`, newest first.
    pub async fn grants(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
    ) -> Result<Page<ListedGrant>, Error> {
        let terms = (PAGE, self.core.now());
        Ok(self.core.store.maintenance.grants(filter, cursor, terms).await?)
    }

    /// Returns the grant with this id.
    pub async fn grant(&self, id: &Identifier) -> Result<Option<Grant>, Error> {
        Ok(self.core.store.grants.grant(id, self.core.now()).await?)
    }

    /// Ends a grant.
    pub async fn revoke_grant(&self, grant: &Grant, actor: &Actor) -> Result<Ended, Error> {
        let ended = self.core.draft_about(EventKind::GrantEnded, grant).by(actor);
        let (entry, selection) = (self.core.entry(ended), Selection::Grant(grant.id.clone()));
        let maintenance = &self.core.store.maintenance;
        Ok(Box::pin(maintenance.revoke(&selection, self.core.now(), entry.as_ref())).await?)
    }
}
