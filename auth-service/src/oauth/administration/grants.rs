//! Grants of anybody, selected by any condition.

use crate::{
    model::Identifier,
    oauth::{Administration, Error},
    store::{Filter, ListedGrant, everywhere},
};

/// The number of grants that are read at once.
const BATCH: usize = 250;

impl Administration {
    /// Ends the grants of `filter`, and the consents that would let their clients connect again without a question.
    /// When it returns, no instance accepts them. Returns their number.
    pub async fn revoke_matching(&self, filter: &Filter) -> Result<usize, Error> {
        let store = &self.core.store;
        let ending = async {
            let (mut cursor, mut ended) = (None, 0);
            loop {
                let terms = (BATCH, self.core.now());
                let page = store.maintenance.grants(filter, cursor, terms).await?;
                for ListedGrant { grant, .. } in &page.entries {
                    let (subject, client) = (&grant.user.subject, &grant.client_id);
                    store.logins.forget_consents(subject, client, self.core.now()).await?;
                    ended += usize::from(store.grants.revoke_grant(&grant.id).await?);
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
    pub async fn revoke_grants(&self, ids: &[Identifier]) -> Result<usize, Error> {
        let ending = async {
            let mut ended = 0;
            for id in ids {
                ended += usize::from(self.core.store.grants.revoke_grant(id).await?);
            }
            Ok::<_, Error>(ended)
        };
        everywhere(ending).await
    }
}
