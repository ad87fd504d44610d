//! The end of what a person may no longer have.

use gateway_contract::audit::EventKind;

use crate::{
    model::{Chain, Grant},
    oauth::{Error, People, people::Admission},
    store::{Filter, Selection},
};

/// The number of grants that are looked at together.
const PAGE: usize = 200;

impl People {
    /// Ends all access of a person for whom the provider no longer vouches, and forgets the facts.
    pub(in crate::oauth) async fn end_access(&self, subject: &str, why: &str) -> Result<(), Error> {
        let left = self.core.draft(EventKind::PersonLeft).target_named(subject).reason(why);
        let left = self.core.entry(left);
        let selection = Selection::User(subject.to_owned());
        let maintenance = &self.core.store.maintenance;
        maintenance.revoke(&selection, self.core.now(), left.as_ref()).await?;
        self.core.store.people.forget(subject).await?;
        log::warn!(target: "audit", subject; "access ended: the login provider says {why}");
        Ok(())
    }

    /// Ends the grants of a person that the policy surely does not allow any more. A person whose facts do not tell is
    /// scheduled for a check.
    pub(super) async fn end_what_is_not_allowed(&self, subject: &str) -> Result<(), Error> {
        self.end_denied(&Filter { user: Some(subject.to_owned()), ..Filter::default() }).await
    }

    /// Ends all grants that the policy surely does not allow any more.
    async fn end_all_denied(&self) -> Result<(), Error> {
        self.end_denied(&Filter::default()).await
    }

    /// Ends the grants that the policy does not allow any more whenever it changes. Never returns, unless the policy
    /// cannot change.
    pub async fn follow_policy(&self) {
        let mut access = self.core.access.clone();
        while access.changed().await.is_ok() {
            self.core.store.audit.tell(self.core.draft(EventKind::PolicyReloaded));
            if let Err(error) = self.end_all_denied().await {
                log::warn!(
                    "grants that the new access policy denies were not ended: {}",
                    Chain(&error)
                );
            }
        }
    }

    async fn end_denied(&self, filter: &Filter) -> Result<(), Error> {
        let (mut cursor, mut unknown) = (None, Vec::new());
        loop {
            let page =
                self.core.store.maintenance.grants(filter, cursor, (PAGE, self.core.now())).await?;
            for listed in &page.entries {
                let grant = &listed.grant;
                let client = Some(&grant.client_id);
                let admission = self.core.admission(&grant.user, client, &grant.resources).await?;
                match admission {
                    Admission::Allowed { .. } => {}
                    // The provider may know more.
                    Admission::Unknown => unknown.push(grant.user.subject.clone()),
                    Admission::Denied => self.end_grant(grant).await?,
                }
            }
            for subject in unknown.drain(..) {
                self.core.store.people.reschedule(&subject, self.core.now()).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn end_grant(&self, grant: &Grant) -> Result<(), Error> {
        let ended = self.core.draft_about(EventKind::GrantEnded, grant).denied("policy");
        let ended = self.core.entry(ended);
        if self.core.store.grants.revoke_grant(&grant.id, ended.as_ref()).await? {
            log::warn!(target: "audit", subject = grant.user.subject, grant:% = grant.id;
                "grant ended: the access policy does not allow it any more");
        }
        Ok(())
    }
}
