//! The connections of a person: grants to clients, and their end.

use gateway_contract::audit::EventKind;

use crate::{
    model::{ClientId, ConsentRecord, Grant, Identifier},
    oauth::{
        Accounts, Error, PERSONAL, ScopeLabel, ServerLabel, Viewer,
        authorize::consent_page::scope_labels, client::id_document::publisher,
    },
    store::{AuditEntry, Cursor, Filter, ListedGrant, Page, Selection, everywhere},
};

/// The number of connections on a page.
const PAGE: usize = 50;

/// The number of connections of one person that are ended together.
const BATCH: usize = 200;

/// A connection in words.
#[derive(Debug)]
pub struct Connection {
    /// The grant, its tokens and its last use.
    pub listed: ListedGrant,
    /// The host that vouches for the client, if the client is described by a document.
    pub publisher: Option<String>,
    /// The servers of the grant. One that is no longer in the catalogue has its URL as title.
    pub servers: Vec<ServerLabel>,
    /// The scopes of the grant.
    pub scopes: Vec<ScopeLabel>,
}

/// A connection that the person may end, with the other connections of the same client.
#[derive(Debug)]
pub struct Disconnection {
    /// The connection.
    pub connection: Connection,
    /// The number of other connections of the client in the name of this person, 50 at most.
    pub others: usize,
}

impl Accounts {
    /// Lists connections of the person after `cursor`, newest first.
    pub async fn connections(
        &self,
        viewer: &Viewer,
        cursor: Option<Cursor>,
    ) -> Result<Page<Connection>, Error> {
        self.listed(&own(viewer), cursor).await
    }

    /// Lists personal tokens of the person after `cursor`, newest first.
    pub async fn personal_tokens(
        &self,
        viewer: &Viewer,
        cursor: Option<Cursor>,
    ) -> Result<Page<Connection>, Error> {
        let client = Some(ClientId::parsed(PERSONAL));
        self.listed(&Filter { client, except_client: None, ..own(viewer) }, cursor).await
    }

    async fn listed(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
    ) -> Result<Page<Connection>, Error> {
        let terms = (PAGE, self.core.now());
        let page = self.core.store.maintenance.grants(filter, cursor, terms).await?;
        let entries = page.entries.into_iter().map(|listed| self.in_words(listed)).collect();
        Ok(Page { entries, next: page.next })
    }

    fn in_words(&self, listed: ListedGrant) -> Connection {
        let catalogue = self.core.catalogue();
        let Grant { client_id, resources, scopes, .. } = &listed.grant;
        let label = |uri| match catalogue.by_resource(uri) {
            Some(server) => ServerLabel::of(server),
            None => ServerLabel { title: uri.to_string(), resource: uri.to_string() },
        };
        Connection {
            publisher: publisher(client_id),
            servers: resources.iter().map(label).collect(),
            scopes: scope_labels(&catalogue, resources, scopes),
            listed,
        }
    }

    /// Returns a connection or a personal token of the person, or `None` if there is none with this id. That of
    /// another person is none.
    pub async fn connection(
        &self,
        viewer: &Viewer,
        id: &Identifier,
    ) -> Result<Option<Disconnection>, Error> {
        let Some(grant) = self.own_grant(viewer, id).await? else { return Ok(None) };
        let client = grant.client_id.clone();
        let others = if client.as_str() == PERSONAL {
            0
        } else {
            let filter = Filter { client: Some(client), ..own(viewer) };
            let terms = (PAGE, self.core.now());
            let page = self.core.store.maintenance.grants(&filter, None, terms).await?;
            page.entries.iter().filter(|other| other.grant.id != *id).count()
        };
        let listed = ListedGrant { grant, tokens: Vec::new(), last_use: None };
        Ok(Some(Disconnection { connection: self.in_words(listed), others }))
    }

    async fn own_grant(&self, viewer: &Viewer, id: &Identifier) -> Result<Option<Grant>, Error> {
        let grant = self.core.store.grants.grant(id, self.core.now()).await?;
        Ok(grant.filter(|grant| grant.user.subject == viewer.user.subject))
    }

    /// Ends a connection, and the consents that would let the client connect again without a question. Returns the
    /// name of the client, or `None` if the person has no such connection.
    pub async fn disconnect(
        &self,
        viewer: &Viewer,
        id: &Identifier,
    ) -> Result<Option<String>, Error> {
        let Some(grant) = self.own_grant(viewer, id).await? else { return Ok(None) };
        self.forget_consents(viewer, &grant.client_id).await?;
        let entry = self.ended(viewer, &grant);
        everywhere(self.core.store.grants.revoke_grant(id, entry.as_ref())).await?;
        Ok(Some(grant.client_name))
    }

    /// Ends all connections of the person to the client of a connection.
    pub async fn disconnect_client(
        &self,
        viewer: &Viewer,
        id: &Identifier,
    ) -> Result<Option<String>, Error> {
        let Some(grant) = self.own_grant(viewer, id).await? else { return Ok(None) };
        let revoked = self.core.draft(EventKind::GrantsRevoked).by(&viewer.actor());
        let revoked = revoked.client(&grant.client_id, &grant.client_name).target(&viewer.user);
        let entry = self.core.entry(revoked);
        let subject = viewer.user.subject.clone();
        let selection = Selection::UserAtClient(subject, grant.client_id.clone());
        let (maintenance, now) = (&self.core.store.maintenance, self.core.now());
        Box::pin(maintenance.revoke(&selection, now, entry.as_ref())).await?;
        Ok(Some(grant.client_name))
    }

    /// Ends all connections of the person, but neither personal tokens nor sign-ins. Returns their number.
    pub async fn disconnect_all(&self, viewer: &Viewer) -> Result<usize, Error> {
        let store = &self.core.store;
        let ending = async {
            let (mut cursor, mut ended) = (None, 0);
            loop {
                let now = self.core.now();
                let page = store.maintenance.grants(&own(viewer), cursor, (BATCH, now)).await?;
                for ListedGrant { grant, .. } in &page.entries {
                    self.forget_consents(viewer, &grant.client_id).await?;
                    let entry = self.ended(viewer, grant);
                    let is_ended = store.grants.revoke_grant(&grant.id, entry.as_ref()).await?;
                    ended += usize::from(is_ended);
                }
                cursor = page.next;
                if cursor.is_none() {
                    return Ok::<_, Error>(ended);
                }
            }
        };
        everywhere(ending).await
    }

    /// Returns the event of a grant that its person ends.
    fn ended(&self, viewer: &Viewer, grant: &Grant) -> Option<AuditEntry> {
        let ended = self.core.draft_about(EventKind::GrantEnded, grant).by_the_person();
        self.core.entry(ended.from(&viewer.caller))
    }

    /// Forgets the consents of the person for a client.
    async fn forget_consents(&self, viewer: &Viewer, client: &ClientId) -> Result<(), Error> {
        let forgotten = |record: &ConsentRecord| {
            let draft = self.core.draft(EventKind::ConsentForgotten).by(&viewer.actor());
            self.core.entry(draft.client(&record.client_id, &record.client_name))
        };
        let (logins, subject) = (&self.core.store.logins, &viewer.user.subject);
        Ok(logins.forget_consents(subject, client, self.core.now(), forgotten).await?)
    }
}

/// Returns the filter for the connections of a person.
fn own(viewer: &Viewer) -> Filter {
    Filter {
        subject: Some(viewer.user.subject.clone()),
        except_client: Some(ClientId::parsed(PERSONAL)),
        ..Filter::default()
    }
}
