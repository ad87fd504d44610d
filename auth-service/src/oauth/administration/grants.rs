//! Grants of anybody, selected by any condition.

use gateway_contract::audit::EventKind;

use crate::{
    model::{Actor, ConsentRecord, Grant, Identifier},
    oauth::{Administration, Error},
    store::{Filter, ListedGrant, everywhere},
};

/// The number of grants that are read at once.
const BATCH: usize = 250;

impl Administration {
    /// Ends the grants of `filter`, and the consents that would let their clients connect again without a question.
    /// When it returns, no instance accepts them. Returns their number.
    pub async fn revoke_matching(&self, filter: &Filter, actor: &Actor) -> Result<usize, Error> {
        let store = &self.core.store;
        let ending = async {
            let (mut cursor, mut ended) = (None, 0);
            loop {
                let terms = (BATCH, self.core.now());
                let page = store.maintenance.grants(filter, cursor, terms).await?;
                for ListedGrant { grant, .. } in &page.entries {
                    self.forget_consents(grant, actor).await?;
                    ended += usize::from(self.end_grant(grant, actor).await?);
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
                if let Some(grant) = self.core.store.grants.grant(id, self.core.now()).await? {
                    ended += usize::from(self.end_grant(&grant, actor).await?);
                }
            }
            Ok::<_, Error>(ended)
        };
        everywhere(ending).await
    }

    async fn end_grant(&self, grant: &Grant, actor: &Actor) -> Result<bool, Error> {
        let entry = self.core.entry(self.core.draft_about(EventKind::GrantEnded, grant).by(actor));
        Ok(self.core.store.grants.revoke_grant(&grant.id, entry.as_ref()).await?)
    }

    async fn forget_consents(&self, grant: &Grant, actor: &Actor) -> Result<(), Error> {
        let forgotten = |record: &ConsentRecord| {
            let draft = self.core.draft(EventKind::ConsentForgotten).by(actor).target(&grant.user);
            self.core.entry(draft.client(&record.client_id, &record.client_name))
        };
        let (logins, now) = (&self.core.store.logins, self.core.now());
        Ok(logins.forget_consents(&grant.user.subject, &grant.client_id, now, forgotten).await?)
    }
}
