//! The audit events of a person.

use gateway_contract::audit::Outcome;

use crate::{
    oauth::{Accounts, Error, Viewer},
    store::{AuditFilter, AuditPage, AuditedEvent},
};

/// The number of events on a page.
const PAGE: usize = 50;

impl Accounts {
    /// Lists the events of the person before the place `before`, latest first; with `only_refusals`, those that a rule
    /// did not allow.
    pub async fn activity(
        &self,
        viewer: &Viewer,
        before: Option<&str>,
        only_refusals: bool,
    ) -> Result<AuditPage, Error> {
        let (audit, subject) = (&self.core.store.audit, &viewer.user.subject);
        let mut page = if only_refusals {
            let filter = AuditFilter {
                user: Some(subject.clone()),
                outcome: Some(Outcome::Denied),
                ..AuditFilter::default()
            };
            audit.page(&filter, before, PAGE).await?
        } else {
            audit.of_person(subject, before, PAGE).await?
        };
        // The search takes login names, too, and those may look like a subject.
        page.events.retain(|one| is_of(one, subject));
        Ok(page)
    }
}

fn is_of(AuditedEvent { event, .. }: &AuditedEvent, subject: &str) -> bool {
    [&event.actor, &event.target].into_iter().flatten().any(|person| person.sub == subject)
}
