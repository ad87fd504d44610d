//! Grants of anybody, selected by any condition.

use gateway_contract::audit::EventKind;

use crate::{
    model::{Actor, ConsentRecord, Grant, Identifier},
    oauth::{Administration, Error},
    store::{Ended, Filter, ListedGrant, Selection, everywhere},
};

/// The number of grants that are read at once.
const BATCH: usize = 250;

impl Administration {
    /// Ends a grant.
    pub async fn revoke_grant(&self, grant: &Grant, actor: &Actor) -> Result<Ended, Error> {
        let ended = self.core.draft_about(EventKind::GrantEnded, grant).by(actor);
        let (entry, selection) = (self.core.entry(ended), Selection::Grant(grant.id.clone()));
        let maintenance = &self.core.store.maintenance;
        Ok(Box::pin(maintenance.revoke(&selection, self.core.now(), entry.as_ref())).await?)
    }

    /// Ends the grants of `filter`, and the consents that would let their clients connect again without a question.
    /// When it returns, no instance accepts them. Returns their number.
    pub async fn revoke_matching(&self, filter: &Filter, actor: &Actor) -> Result<usize, Error> {
        let store = &self.core.store;
        let forgotten = |record: &ConsentRecord| {
            let draft = self.core.draft(EventKind::ConsentForgotten).by(actor);
            let draft = draft.target(&record.user);
            self.core.entry(draft.client(&record.client_id, &record.client_name))
        };
        let ending = async {
            let (mut cursor, mut ended) = (None, 0);
            loop {
                let now = self.core.now();
                let page = store.maintenance.grants(filter, cursor, (BATCH, now)).await?;
                for ListedGrant { grant, .. } in &page.entries {
                    let (subject, client) = (&grant.user.subject, &grant.client_id);
                    store.logins.forget_consents(subject, client, now, forgotten).await?;
                    ended += usize::from(self.end(grant, actor).await?);
                }
                cursor = page.next;
                if cursor.is_none() {
                    return Ok::<_, Error>(ended);
                }
            }
        };
        everywhere(ending).await
    }

    /// Ends the grants with these ids. Returns the number of those that there were.
    pub async fn revoke_grants(&self, ids: &[Identifier], actor: &Actor) -> Result<usize, Error> {
        let ending = async {
            let mut ended = 0;
            for id in ids {
                if let Some(grant) = self.grant(id).await? {
                    ended += usize::from(self.end(&grant, actor).await?);
                }
            }
            Ok::<_, Error>(ended)
        };
        everywhere(ending).await
    }

    async fn end(&self, grant: &Grant, actor: &Actor) -> Result<bool, Error> {
        let ended = self.core.draft_about(EventKind::GrantEnded, grant).by(actor);
        let entry = self.core.entry(ended);
        Ok(self.core.store.grants.revoke_grant(&grant.id, entry.as_ref()).await?)
    }
}
